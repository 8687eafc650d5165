"""Seeded samples of a picture's pixels, each spread evenly over what it is drawn from (Cochran, 1977, chapter 5)."""

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.mixture.monomials import Indices

_BLOCK = 2**16
_WINDOW, _GRID = 64, 7
_MAX_SINGLE_WINDOW = 2**18  # pixels up to which a picture is its own window


def sample_indices(n_pixels: int, n: int, rng: np.random.Generator) -> Indices:
    """Choose one place in each of n equal stretches of the pixels 0 to `n_pixels` - 1; of at most n pixels, all.

    Place k is (k N + r) // n with r from 0 to N - 1: every pixel has the same chance, the last ones, too, which a
    rounded stride never reaches.

    Returns
    -------
    ndarray, shape (min(n, n_pixels),)
        Ascending. Where n is near `n_pixels`, a few pixels are drawn twice.
    """
    if n_pixels <= n:
        return np.arange(n_pixels)
    drawn: Indices = (np.arange(n) * n_pixels + rng.integers(0, n_pixels, n)) // n
    return drawn


def sample_valid_indices(valid: NDArray[np.bool_] | None, n_pixels: int, n: int, rng: np.random.Generator) -> Indices:
    """The same among the pixels that count; `valid` (n_pixels,) is None when all do."""
    if valid is None:
        return sample_indices(n_pixels, n, rng)
    blocks = [valid[begin : begin + _BLOCK] for begin in range(0, n_pixels, _BLOCK)]
    ends = np.cumsum([np.count_nonzero(block) for block in blocks])
    drawn = sample_indices(int(ends[-1]), n, rng)
    cuts = np.searchsorted(drawn, ends)  # the places that fall into each run
    parts = []
    for number, (block, begin, end) in enumerate(zip(blocks, [0, *cuts[:-1]], cuts, strict=True)):
        before = int(ends[number - 1]) if number else 0
        parts.append(number * _BLOCK + np.flatnonzero(block)[drawn[begin:end] - before])
    return np.concatenate(parts)


def thin(counts: NDArray[np.integer], n: int, rng: np.random.Generator) -> tuple[Indices, NDArray[np.integer]]:
    """Draw n of the pixels of some values, one from each of n equal stretches of the pixels in order of their values.

    Each value is drawn as often as its share says, to within two. Where there are at most n values, all pixels of all of
    them are kept: they cost no more than a sample.

    Parameters
    ----------
    counts : ndarray, shape (m,)
        How many pixels have each value, above 0.
    n : int
        Size of the sample, at least 1.
    rng : numpy.random.Generator
        Decides the place in each stretch.

    Returns
    -------
    kept : ndarray, shape (l,)
        Numbers of the values that are drawn, ascending.
    counts : ndarray, shape (l,)
        How often.
    """
    if len(counts) <= n:
        return np.arange(len(counts)), counts
    last = np.cumsum(counts, dtype=np.int64)  # pixels up to and with each value
    drawn = np.searchsorted(last, sample_indices(int(last[-1]), n, rng), side="right")
    return np.unique(drawn, return_counts=True)


def windows(height: int, width: int, rng: np.random.Generator) -> list[tuple[slice, slice]]:
    """Parts of a picture in which neighbourhoods can be seen, rows and columns of each.

    All of a small picture; of a larger one a window of about 64 x 64 pixels at a random place in each of 7 x 7 parts.
    """
    if height * width <= _MAX_SINGLE_WINDOW:
        return [(slice(0, height), slice(0, width))]
    tall = min(height, max(_WINDOW, _WINDOW**2 // width))
    wide = min(width, _WINDOW**2 // tall)
    rows = (np.arange(_GRID) + rng.random((_GRID, _GRID))) / _GRID * (height - tall + 1)
    columns = (np.arange(_GRID) + rng.random((_GRID, _GRID))) / _GRID * (width - wide + 1)
    corners = zip(rows.T.astype(int).ravel().tolist(), columns.astype(int).ravel().tolist(), strict=True)
    return [(slice(top, top + tall), slice(left, left + wide)) for top, left in corners]
