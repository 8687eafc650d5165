"""Which colours a picture holds, and how often: 24-bit codes, red in the lowest byte."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.mixture.monomials import Indices

CODES = 2**24
_INDEX_BLOCK = 2**18
_CODE_BLOCK = 2**16  # pixels at a time: their codes stay in the cache

Codes = NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class ColourCounts:
    """Distinct colours in ascending code with the number of pixels of each."""

    codes: Codes  # (n,)
    counts: NDArray[np.uint32]  # (n,), above 0

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def pixels(self) -> int:
        return int(self.counts.sum(dtype=np.int64))

    def values(self) -> NDArray[np.uint8]:
        """Red, green and blue, shape (n, 3)."""
        return decode(self.codes)


def decode(codes: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Red, green and blue (n, 3) of 24-bit codes (n,)."""
    return codes.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :3]


def encode(pixels: NDArray[np.uint8]) -> Codes:
    """24-bit codes (n,) of red, green and blue (n, 3)."""
    wide = np.zeros((len(pixels), 4), np.uint8)
    wide[:, :3] = pixels
    return wide.view("<u4")[:, 0].astype(np.uint32, copy=False)


def code_blocks(pixels: NDArray[np.uint8]) -> Iterator[tuple[slice, Indices]]:
    """Yield the code of every pixel, a run at a time.

    Parameters
    ----------
    pixels : ndarray, shape (n, 3), uint8, C-contiguous

    Yields
    ------
    run : slice
        Of the pixels.
    codes : ndarray, intp
        Read as little-endian 64-bit words at every third byte, less all but their lowest three bytes: a third of the
        time of three shifts, and at once of the type that NumPy indexes by. Overwritten by the next run.
    """
    words = _words(pixels)
    codes = np.empty(min(_CODE_BLOCK, len(words)), np.intp)
    for begin in range(0, len(words), _CODE_BLOCK):
        run = slice(begin, min(begin + _CODE_BLOCK, len(words)))
        yield run, np.bitwise_and(words[run], CODES - 1, out=codes[: run.stop - begin])
    yield slice(len(words), len(pixels)), encode(pixels[len(words) :]).astype(np.intp)


def codes_at(pixels: NDArray[np.uint8], indices: Indices) -> Codes:
    """Codes of the pixels (n, 3) at some places (m,); shape (m,)."""
    return encode(pixels.take(indices, axis=0, mode="clip"))


def _words(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """A view of 64 bits from each pixel on, without the last two pixels: theirs would read past the end."""
    n = max(len(pixels) - 2, 0)
    return np.ndarray((n,), "<i8", pixels if n else None, strides=(3,))


def group_codes(codes: Codes) -> ColourCounts:
    """Distinct colours of some pixels' codes (n,), in ascending order."""
    ordered = np.sort(codes)
    first = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] ^ 1))  # where a code differs from the one before
    counts = np.diff(first, append=len(ordered))
    return ColourCounts(ordered[first], counts.astype(np.uint32))


def count_colours(
    pixels: NDArray[np.uint8], valid: NDArray[np.bool_] | None, on_fraction: Callable[[float], None] = lambda _: None
) -> ColourCounts:
    """Count the distinct colours of a picture, exactly.

    Parameters
    ----------
    pixels : ndarray, shape (n, 3), uint8, C-contiguous
        At least one.
    valid : ndarray, shape (n,), bool, or None
        Which pixels count; None means all.
    on_fraction : callable
        Told how much is done, up to 1.
    """
    table = np.zeros(CODES, np.uint32)  # untouched pages of it cost no memory
    one = np.uint32(1)
    for run, codes in code_blocks(pixels):
        chosen = codes if valid is None else codes[valid[run]]
        np.add.at(table, chosen, one)
        on_fraction(run.stop / len(pixels))
    return _nonzero_entries(table)


def row_blocks(n: int) -> Iterator[slice]:
    """Cut n entries into long runs: NumPy indexes by 64-bit copies, which should not be of everything at once."""
    return (slice(begin, min(begin + _INDEX_BLOCK, n)) for begin in range(0, n, _INDEX_BLOCK))


def _nonzero_entries(table: Codes) -> ColourCounts:
    """The codes whose entry is above 0."""
    n = int(np.count_nonzero(table))
    colours = ColourCounts(np.empty(n, np.uint32), np.empty(n, np.uint32))
    filled = 0
    for stretch in row_blocks(CODES):
        found = np.flatnonzero(table[stretch] != 0)
        part = slice(filled, filled + len(found))
        colours.codes[part] = found + stretch.start
        colours.counts[part] = table[stretch][found]
        filled = part.stop
    return colours
