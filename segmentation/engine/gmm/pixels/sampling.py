"""Stratified random samples of a picture's pixels (Cochran, 1977, chapter 5)."""

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.mixture.monomials import Indices

_BLOCK = 2**16  # pixels that are counted together
_WINDOW = 64  # side of a window in pixels
_GRID = 7  # usual number of windows along each side of a picture
_MAX_SINGLE_WINDOW = 2**18  # a picture of at most so many pixels is one window, with the usual number of windows


def sample_indices(n_pixels: int, n: int, rng: np.random.Generator) -> Indices:
    """Draw one index from each of n equal strata of 0 .. `n_pixels` - 1; all indices if there are at most n.

    Index k is (k N + r) // n, with N = `n_pixels` and r drawn from 0 .. N - 1, so every pixel has the same probability.

    Returns
    -------
    ndarray, shape (min(n, n_pixels),)
        Ascending. When n is near `n_pixels`, a few indices occur twice.
    """
    if n_pixels <= n:
        return np.arange(n_pixels)
    drawn: Indices = (np.arange(n) * n_pixels + rng.integers(0, n_pixels, n)) // n
    return drawn


def sample_valid_indices(valid: NDArray[np.bool_] | None, n_pixels: int, n: int, rng: np.random.Generator) -> Indices:
    """Draw indices as `sample_indices` does, among the valid pixels only; `valid` (n_pixels,) is None when all are valid."""
    if valid is None:
        return sample_indices(n_pixels, n, rng)
    blocks = [valid[begin : begin + _BLOCK] for begin in range(0, n_pixels, _BLOCK)]
    ends = np.cumsum([np.count_nonzero(block) for block in blocks])
    drawn = sample_indices(int(ends[-1]), n, rng)
    cuts = np.searchsorted(drawn, ends)  # where the indices of each block end
    parts = []
    for number, (block, begin, end) in enumerate(zip(blocks, [0, *cuts[:-1]], cuts, strict=True)):
        before = int(ends[number - 1]) if number else 0
        parts.append(number * _BLOCK + np.flatnonzero(block)[drawn[begin:end] - before])
    return np.concatenate(parts)


def thin(counts: NDArray[np.integer], n: int, rng: np.random.Generator) -> tuple[Indices, NDArray[np.integer]]:
    """Draw n pixels from distinct values with counts, one from each of n equal strata of the pixels in order of values.

    Each value is drawn in proportion to its count, to within two. If there are at most n values, all of them are returned
    with their counts, because they cost no more than a sample.

    Parameters
    ----------
    counts : ndarray, shape (m,)
        Number of pixels with each value, above 0.
    n : int
        Size of the sample, at least 1.
    rng : numpy.random.Generator

    Returns
    -------
    kept : ndarray, shape (l,)
        Indices of the values that are drawn, ascending.
    counts : ndarray, shape (l,)
        How often each of them is drawn.
    """
    if len(counts) <= n:
        return np.arange(len(counts)), counts
    last = np.cumsum(counts, dtype=np.int64)  # number of pixels up to and including each value
    drawn = np.searchsorted(last, sample_indices(int(last[-1]), n, rng), side="right")
    return np.unique(drawn, return_counts=True)


def windows(height: int, width: int, rng: np.random.Generator, grid: int = _GRID) -> list[tuple[slice, slice]]:
    """Return rectangles of a picture, as rows and columns, that serve as a sample of neighbourhoods.

    A small picture is one rectangle. For a larger one there are `grid` x `grid` of about 64 x 64 pixels, at random positions
    in as many strata.
    """
    if height * width * _GRID**2 <= _MAX_SINGLE_WINDOW * grid**2:
        return [(slice(0, height), slice(0, width))]
    tall = min(height, max(_WINDOW, _WINDOW**2 // width))
    wide = min(width, _WINDOW**2 // tall)
    rows = (np.arange(grid) + rng.random((grid, grid))) / grid * (height - tall + 1)
    columns = (np.arange(grid) + rng.random((grid, grid))) / grid * (width - wide + 1)
    corners = zip(rows.T.astype(int).ravel().tolist(), columns.astype(int).ravel().tolist(), strict=True)
    return [(slice(top, top + tall), slice(left, left + wide)) for top, left in corners]
