"""Small pictures of every format, made here. What is read from them is compared with the arrays that they are made of."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import PIL.Image
import tifffile

from segmentation.engine.imaging import Limits, decode

LIMITS = Limits(bytes=1_000_000, pixels=1_000_000, decoded_bytes=10_000_000)
RED, BLUE = (200, 40, 40), (40, 60, 200)

HEIC = (Path(__file__).parent / "heic" / "quadrants.heic").read_bytes()  # nothing here can write them


def grey(shape=(5, 7), seed=0):
    """Random values, 8 bits."""
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def deep(shape=(5, 7), seed=0, dtype=np.uint16):
    """Random values that use a part of the range of 16 bits only."""
    return np.random.default_rng(seed).integers(1000, 30_000, shape).astype(dtype)


def halves(shape=(16, 32)):
    """Red on the left, blue on the right: what also codecs with losses keep."""
    pixels = np.empty((*shape, 3), np.uint8)
    pixels[:, : shape[1] // 2], pixels[:, shape[1] // 2 :] = RED, BLUE
    return pixels


def saved(pixels, image_format, *, mode=None, **options):
    """A file by Pillow, of an array or an image."""
    image = pixels if isinstance(pixels, PIL.Image.Image) else PIL.Image.fromarray(pixels)
    if mode is not None:
        image = PIL.Image.frombytes(mode, image.size, np.ascontiguousarray(pixels).tobytes())
    file = BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def tiff(values, **options):
    """A file by tifffile."""
    file = BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def chunk(kind, body):
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def deep_png(values, *chunks):
    """A PNG of 16 bits, (H, W) or (H, W, bands), with further chunks; put together here, since Pillow writes none."""
    height, width = values.shape[:2]
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[values[0, 0].size]
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    parts = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def read(data, name="picture"):
    """The picture of a file."""
    return decode(data, name=name, limits=LIMITS)


def codes(picture):
    """The codes of its notices, in their order."""
    return [notice.code for notice in picture.notices]


def in_colour(values):
    """Grey values (H, W) as red, green and blue."""
    return np.repeat(values[:, :, None], 3, axis=2)


def stretched(values, low, high):
    """Values reduced to 0 to 255, not rounded."""
    return (values.astype(np.float64) - low) / (float(high) - float(low)) * 255


def over_white(colour, opacity):
    """Colours (H, W, 3) over white by their opacity (H, W), 0 to 1; not rounded."""
    return colour * opacity[:, :, None] + 255 * (1 - opacity[:, :, None])


def assert_rounded(pixels, exact, tolerance=0.5):
    """Every value is the whole number next to the exact one."""
    np.testing.assert_allclose(pixels, exact, rtol=0, atol=tolerance + 1e-6)


def rgb_profile(*, swapped, gamma=2.2):
    """An ICC profile (version 2) of sRGB's primaries and a gamma; with red and green exchanged if wanted."""
    red, green, blue = (0.4360, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141)
    if swapped:
        red, green = green, red
    tags = {b"rXYZ": _xyz(*red), b"gXYZ": _xyz(*green), b"bXYZ": _xyz(*blue)}
    return _profile(b"RGB ", tags | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve(gamma)), "Swapped test profile")


def grey_profile(gamma):
    return _profile(b"GRAY", {b"kTRC": _curve(gamma)}, "Grey test profile")


def _profile(space, tags, name):
    white = (0.9642, 1.0, 0.8249)
    text = name.encode() + b"\0"
    description = b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)
    tags = {b"desc": description, b"wtpt": _xyz(*white), b"cprt": b"text" + bytes(4) + b"None\0"} | tags
    place = 128 + 4 + 12 * len(tags)
    table, bodies = struct.pack(">I", len(tags)), b""
    for kind, body in tags.items():
        table += kind + struct.pack(">II", place + len(bodies), len(body))
        bodies += body.ljust(-(-len(body) // 4) * 4, b"\0")
    header = struct.pack(">I4sI4s4s4s", place + len(bodies), b"none", 0x02400000, b"mntr", space, b"XYZ ")
    header += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _fixed(*white)
    return header.ljust(128, b"\0") + table + bodies


def _xyz(*values):
    return b"XYZ " + bytes(4) + _fixed(*values)


def _fixed(*values):
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _curve(gamma):
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
