"""Label maps as PNG: one compressed stream under different headers and palettes.

The indices are compressed once, as a palette picture; what is shown of them (grey values, colours) is a matter of the header
and the palette, so that recolouring copies the stream and rewrites a few hundred bytes. None of the files carries colour
management (gAMA, sRGB, iCCP): browsers hand the values out as they are.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO

import numpy as np
import PIL.Image
from numpy.typing import NDArray

UNASSIGNED, NO_DATA = 254, 255
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _PALETTE = 0, 3  # colour types of PNG
_RAMP = bytes(np.repeat(np.arange(256, dtype=np.uint8), 3))
_OPAQUE = bytes([255] * 254 + [0, 0])  # alpha of each index: 254 and 255 are clear
_FAST = {
    "compress_level": 1,
    "compress_type": 3,
}  # run-length: a fifth of the default's time, and smaller for label maps


def encode(labels: NDArray[np.uint8]) -> bytes:
    """Labels (H, W) as a palette PNG whose colours are the grey of each index."""
    image = PIL.Image.frombytes("P", labels.shape[::-1], np.ascontiguousarray(labels).tobytes())
    image.putpalette(_RAMP)
    file = BytesIO()
    image.save(file, "PNG", **_FAST)
    return file.getvalue()


def decode(data: bytes) -> NDArray[np.uint8]:
    """Labels (H, W) of a PNG that any function here has written."""
    with PIL.Image.open(BytesIO(data), formats=["PNG"]) as image:
        if image.mode not in {"P", "L"}:
            raise ValueError(f"A label map has one 8-bit band, not {image.mode}.")
        return np.array(image)


def as_grey(data: bytes) -> bytes:
    """The same indices as single-channel grey, for programs: the value is the index."""
    return _rebuilt(data, _GREY, {})


def with_palette(data: bytes, colours: Sequence[str]) -> bytes:
    """The same indices in colours, for people; 254 and 255 are transparent.

    Parameters
    ----------
    data : bytes
        As of `encode`.
    colours : sequence of str
        "#rrggbb" of index 0, 1, ...; at most 254.
    """
    palette = b"".join(bytes.fromhex(colour[1:]) for colour in colours).ljust(3 * 256, b"\0")
    return _rebuilt(data, _PALETTE, {b"PLTE": palette, b"tRNS": _OPAQUE})


def _rebuilt(data: bytes, colour_type: int, tables: dict[bytes, bytes]) -> bytes:
    parts = [_SIGNATURE]
    for kind, body in _chunks(data):
        if kind == b"IHDR":
            parts.append(_chunk(kind, body[:9] + bytes([colour_type]) + body[10:]))
            parts += [_chunk(name, table) for name, table in tables.items()]
        elif kind in {b"IDAT", b"IEND"}:
            parts.append(_chunk(kind, body))
    return b"".join(parts)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(_SIGNATURE)
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        yield data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        place += length + 12


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
