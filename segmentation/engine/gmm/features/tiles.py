"""Division of a picture into overlapping tiles, so that filters can run tile by tile in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of a picture and the same rectangle with a margin, as (rows, columns)."""

    core: tuple[slice, slice]
    padded: tuple[slice, slice]  # the core with its margin, cut at the picture's borders
    core_in_padded: tuple[slice, slice]  # the core, counted from the padded rectangle's corner


def tiles(height: int, width: int, *, pixels: int, margin: int) -> Iterator[Tile]:
    """Yield the tiles of a picture row by row; each has at most `pixels` pixels and a margin of `margin` on all sides."""
    # Tiles of a low picture are wide, because otherwise their margins would have more pixels than the tiles.
    tile_width = min(width, max(isqrt(pixels), pixels // (height + 2 * margin)))
    for rows in _cut(height, max(pixels // (tile_width + 2 * margin), 1)):
        for columns in _cut(width, tile_width):
            (padded_rows, core_rows), (padded_columns, core_columns) = (
                _with_margin(side, length, margin) for side, length in ((rows, height), (columns, width))
            )
            yield Tile((rows, columns), (padded_rows, padded_columns), (core_rows, core_columns))


def _cut(n: int, max_length: int) -> Iterator[slice]:
    """Yield the fewest slices of 0 .. n - 1 that are no longer than `max_length`, of about equal length."""
    count = -(-n // max_length)
    return (slice(k * n // count, (k + 1) * n // count) for k in range(count))


def _with_margin(core: slice, n: int, margin: int) -> tuple[slice, slice]:
    """Return a slice of 0 .. n - 1 with a margin on both sides, and the slice itself counted from there."""
    begin, end = max(core.start - margin, 0), min(core.stop + margin, n)
    return slice(begin, end), slice(core.start - begin, core.stop - begin)
