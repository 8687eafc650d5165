"""Arrays of a picture's size in one file, tile by tile, so that a part can be read without the rest.

A header in JSON, some bytes that belong to all, then the tiles from left to right and from top to bottom. In each tile stand
its layers one after the other, uncompressed: where a tile begins follows from the size of the picture.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

SIDE = 128
"""Pixels of a tile's sides; fewer at the right and at the bottom."""

_MAGIC = b"GMMTILE1"
Layers = dict[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What stands in a file, and where."""

    height: int
    width: int
    layers: dict[str, tuple[str, int]]  # name -> type of the values, values a pixel
    more: dict[str, Any]  # what else its writer has told
    n_common: int  # bytes that belong to all tiles
    start: int  # where those begin

    @property
    def tiles(self) -> tuple[int, int]:
        """How many tiles there are down and across."""
        return -(-self.height // SIDE), -(-self.width // SIDE)

    def shape_of(self, down: int, across: int) -> tuple[int, int]:
        """Height and width of a tile."""
        return min(SIDE, self.height - down * SIDE), min(SIDE, self.width - across * SIDE)

    def place_of(self, down: int, across: int) -> int:
        """Where the bytes of a tile begin."""
        before = down * SIDE * self.width + self.shape_of(down, across)[0] * across * SIDE
        bytes_of_pixel = sum(np.dtype(dtype).itemsize * n for dtype, n in self.layers.values())
        return self.start + self.n_common + before * bytes_of_pixel


def write(
    file: IO[bytes], layers: Mapping[str, NDArray[np.generic]], more: dict[str, Any], common: bytes = b""
) -> None:
    """Write arrays (H, W) or (H, W, n) of one size."""
    planes = {name: layer if layer.ndim == 3 else layer[..., None] for name, layer in layers.items()}
    height, width = next(iter(planes.values())).shape[:2]
    described = {name: (plane.dtype.str, plane.shape[2]) for name, plane in planes.items()}
    header = json.dumps({"shape": [height, width], "layers": described, "more": more, "common": len(common)}).encode()
    file.write(_MAGIC + len(header).to_bytes(4, "little") + header + common)
    for top in range(0, height, SIDE):
        for left in range(0, width, SIDE):
            for plane in planes.values():
                file.write(plane[top : top + SIDE, left : left + SIDE].tobytes())


def read_layout(file: IO[bytes]) -> Layout:
    """Read what stands in a file."""
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
        more=header["more"],
        n_common=header["common"],
        start=len(_MAGIC) + 4 + length,
    )


def read_common(file: IO[bytes], layout: Layout) -> bytes:
    """Read the bytes that belong to all tiles."""
    file.seek(layout.start)
    return file.read(layout.n_common)


def read_tiles(file: IO[bytes], layout: Layout, down: range, across: range) -> Layers:
    """Read a rectangle of tiles; each layer as (h, w, n)."""
    rows = [[_read_tile(file, layout, i, j) for j in across] for i in down]
    return {
        name: np.concatenate([np.concatenate([tile[name] for tile in row], axis=1) for row in rows])
        for name in layout.layers
    }


def _read_tile(file: IO[bytes], layout: Layout, down: int, across: int) -> Layers:
    file.seek(layout.place_of(down, across))
    height, width = layout.shape_of(down, across)
    tile: Layers = {}
    for name, (dtype, n) in layout.layers.items():
        data = file.read(height * width * n * np.dtype(dtype).itemsize)
        tile[name] = np.frombuffer(data, dtype).reshape(height, width, n)
    return tile
