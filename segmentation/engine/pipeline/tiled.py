"""Tiled files: arrays of the size of a picture, stored tile by tile so that a part can be read without the rest.

A file has a header in JSON, bytes that are shared by all tiles, and the tiles from left to right and from top to bottom. Each
tile has its layers one after the other, uncompressed, so that the offset of a tile follows from the size of the picture.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

SIDE = 128
"""Height and width of a tile in pixels; tiles at the right and at the bottom can be smaller."""

_MAGIC = b"GMMTILE1"
Layers = dict[str, NDArray[np.generic]]
"""Arrays (H, W) or (H, W, n) by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The header of a tiled file."""

    height: int
    width: int
    layers: dict[str, tuple[str, int]]  # dtype and number of values a pixel, by name
    attributes: dict[str, Any]  # a JSON object from the writer
    n_shared: int  # number of bytes that are shared by all tiles
    start: int  # offset of these bytes

    @property
    def tiles(self) -> tuple[int, int]:
        """The number of rows and of columns of tiles."""
        return -(-self.height // SIDE), -(-self.width // SIDE)

    def shape_of(self, down: int, across: int) -> tuple[int, int]:
        """Return height and width of the tile in row `down` and column `across`."""
        return min(SIDE, self.height - down * SIDE), min(SIDE, self.width - across * SIDE)

    def offset_of(self, down: int, across: int) -> int:
        """Return the offset in the file of the tile in row `down` and column `across`."""
        before = down * SIDE * self.width + self.shape_of(down, across)[0] * across * SIDE
        bytes_of_pixel = sum(np.dtype(dtype).itemsize * n for dtype, n in self.layers.values())
        return self.start + self.n_shared + before * bytes_of_pixel


def write(
    file: IO[bytes], layers: Mapping[str, NDArray[np.generic]], attributes: dict[str, Any], shared: bytes = b""
) -> None:
    """Write a tiled file.

    Parameters
    ----------
    file : binary file, open for writing
    layers : mapping of str to ndarray, shape (H, W) or (H, W, n)
        At least one; all of the same height and width.
    attributes : dict
        A JSON object, stored in the header.
    shared : bytes
        Stored once for all tiles.
    """
    arrays = {name: layer if layer.ndim == 3 else layer[..., None] for name, layer in layers.items()}
    height, width = next(iter(arrays.values())).shape[:2]
    types = {name: (array.dtype.str, array.shape[2]) for name, array in arrays.items()}
    header = json.dumps({"shape": [height, width], "layers": types, "more": attributes, "common": len(shared)}).encode()
    file.write(_MAGIC + len(header).to_bytes(4, "little") + header + shared)
    for top in range(0, height, SIDE):
        for left in range(0, width, SIDE):
            for array in arrays.values():
                file.write(array[top : top + SIDE, left : left + SIDE].tobytes())


def read_layout(file: IO[bytes]) -> Layout:
    """Return the header of a tiled file; raises ValueError for any other file."""
    file.seek(0)
    if file.read(len(_MAGIC)) != _MAGIC:
        raise ValueError("not a file of tiles")
    length = int.from_bytes(file.read(4), "little")
    header = json.loads(file.read(length))
    height, width = header["shape"]
    return Layout(
        height=height,
        width=width,
        layers={name: (dtype, n) for name, (dtype, n) in header["layers"].items()},
        attributes=header["more"],
        n_shared=header["common"],
        start=len(_MAGIC) + 4 + length,
    )


def read_shared(file: IO[bytes], layout: Layout) -> bytes:
    """Return the bytes that are shared by all tiles."""
    file.seek(layout.start)
    return file.read(layout.n_shared)


def read_tiles(file: IO[bytes], layout: Layout, down: range, across: range) -> Layers:
    """Return the layers of a rectangle of tiles, each (h, w, n)."""
    rows = [[_read_tile(file, layout, i, j) for j in across] for i in down]
    return {
        name: np.concatenate([np.concatenate([tile[name] for tile in row], axis=1) for row in rows])
        for name in layout.layers
    }


def _read_tile(file: IO[bytes], layout: Layout, down: int, across: int) -> Layers:
    file.seek(layout.offset_of(down, across))
    height, width = layout.shape_of(down, across)
    tile: Layers = {}
    for name, (dtype, n) in layout.layers.items():
        data = file.read(height * width * n * np.dtype(dtype).itemsize)
        tile[name] = np.frombuffer(data, dtype).reshape(height, width, n)
    return tile
