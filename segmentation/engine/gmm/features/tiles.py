"""A picture in tiles, each with as much of its surroundings as matters: what is computed of them stays small."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a picture, as rows and columns."""

    own: tuple[slice, slice]
    wide: tuple[slice, slice]  # with its surroundings, as far as the picture has any
    inner: tuple[slice, slice]  # the tile's own place in what is wide


def tiles(height: int, width: int, *, pixels: int, margin: int) -> Iterator[Tile]:
    """Cut a picture into tiles of at most so many pixels, with surroundings of `margin` pixels on all sides, row by row."""
    wide = min(
        width, max(isqrt(pixels), pixels // (height + 2 * margin))
    )  # surroundings count most where little else is
    for rows in _cut(height, max(pixels // (wide + 2 * margin), 1)):
        for columns in _cut(width, wide):
            sides = [_widened(*side, margin) for side in ((rows, height), (columns, width))]
            (wide_rows, inner_rows), (wide_columns, inner_columns) = sides
            yield Tile((rows, columns), (wide_rows, wide_columns), (inner_rows, inner_columns))


def _cut(n: int, most: int) -> Iterator[slice]:
    """As few stretches as can be, of about the same length."""
    count = -(-n // most)
    return (slice(k * n // count, (k + 1) * n // count) for k in range(count))


def _widened(own: slice, n: int, margin: int) -> tuple[slice, slice]:
    begin, end = max(own.start - margin, 0), min(own.stop + margin, n)
    return slice(begin, end), slice(own.start - begin, own.stop - begin)
