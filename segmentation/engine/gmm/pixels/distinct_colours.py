"""Count the distinct colours of a picture of 8-bit red, green and blue, as 24-bit codes with red in the lowest byte."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.mixture.monomials import Indices

CODES = 2**24
_INDEX_BLOCK = 2**18
_CODE_BLOCK = 2**16  # pixels; their codes stay in the cache

Codes = NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class ColourCounts:
    """Distinct colours in ascending order of their codes, with the number of pixels of each."""

    codes: Codes  # (n,)
    counts: NDArray[np.uint32]  # (n,), above 0

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def pixels(self) -> int:
        """Number of pixels that were counted."""
        return int(self.counts.sum(dtype=np.int64))

    def values(self) -> NDArray[np.uint8]:
        """Return red, green and blue of the colours, shape (n, 3)."""
        return decode(self.codes)


def decode(codes: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return red, green and blue (n, 3) of 24-bit codes (n,)."""
    return codes.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :3]


def encode(pixels: NDArray[np.uint8]) -> Codes:
    """Return the 24-bit codes (n,) of red, green and blue (n, 3)."""
    wide = np.zeros((len(pixels), 4), np.uint8)
    wide[:, :3] = pixels
    return wide.view("<u4")[:, 0].astype(np.uint32, copy=False)


def code_blocks(pixels: NDArray[np.uint8]) -> Iterator[tuple[slice, Indices]]:
    """Yield the codes of all pixels, block by block.

    Parameters
    ----------
    pixels : ndarray, shape (n, 3), uint8, C-contiguous

    Yields
    ------
    block : slice
        Of the pixels.
    codes : ndarray, intp
        Codes of the block, overwritten by the next block. They are read as little-endian 64-bit words at every third byte,
        of which all but the lowest three bytes are masked. This takes a third of the time of three shifts, and gives the type
        that NumPy uses for indices.
    """
    words = _words(pixels)
    codes = np.empty(min(_CODE_BLOCK, len(words)), np.intp)
    for begin in range(0, len(words), _CODE_BLOCK):
        block = slice(begin, min(begin + _CODE_BLOCK, len(words)))
        yield block, np.bitwise_and(words[block], CODES - 1, out=codes[: block.stop - begin])
    yield slice(len(words), len(pixels)), encode(pixels[len(words) :]).astype(np.intp)


def codes_at(pixels: NDArray[np.uint8], indices: Indices) -> Codes:
    """Return the codes (m,) of the pixels (n, 3) at the given indices (m,)."""
    return encode(pixels.take(indices, axis=0, mode="clip"))


def _words(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return a view of the 64 bits that begin at each pixel but the last two, whose 64 bits reach past the end."""
    n = max(len(pixels) - 2, 0)
    return np.ndarray((n,), "<i8", pixels if n else None, strides=(3,))


def group_codes(codes: Codes) -> ColourCounts:
    """Return the distinct colours of pixels with codes (n,), and their counts."""
    ordered = np.sort(codes)
    first = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] ^ 1))  # where a code differs from the one before
    counts = np.diff(first, append=len(ordered))
    return ColourCounts(ordered[first], counts.astype(np.uint32))


def count_colours(
    pixels: NDArray[np.uint8], valid: NDArray[np.bool_] | None, on_fraction: Callable[[float], None] = lambda _: None
) -> ColourCounts:
    """Count the distinct colours of a picture.

    Parameters
    ----------
    pixels : ndarray, shape (n, 3), uint8, C-contiguous
        At least one.
    valid : ndarray, shape (n,), bool, or None
        Which pixels are valid; None means all.
    on_fraction : callable
        Called with the fraction of the work that is done, up to 1.
    """
    table = np.zeros(CODES, np.uint32)  # memory pages that are not written to are not allocated
    one = np.uint32(1)
    for block, codes in code_blocks(pixels):
        chosen = codes if valid is None else codes[valid[block]]
        np.add.at(table, chosen, one)
        on_fraction(block.stop / len(pixels))
    return _nonzero_entries(table)


def index_blocks(n: int) -> Iterator[slice]:
    """Yield slices of n entries, to bound the memory of indexing: NumPy converts indices to 64 bits."""
    return (slice(begin, min(begin + _INDEX_BLOCK, n)) for begin in range(0, n, _INDEX_BLOCK))


def _nonzero_entries(table: Codes) -> ColourCounts:
    """Return the codes whose entry in a table of counts is above 0."""
    n = int(np.count_nonzero(table))
    colours = ColourCounts(np.empty(n, np.uint32), np.empty(n, np.uint32))
    filled = 0
    for block in index_blocks(CODES):
        found = np.flatnonzero(table[block] != 0)
        part = slice(filled, filled + len(found))
        colours.codes[part] = found + block.start
        colours.counts[part] = table[block][found]
        filled = part.stop
    return colours
