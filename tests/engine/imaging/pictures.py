"""Small picture files of every format, made from arrays with which tests compare the decoded pixels."""

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
    """Return random values of 8 bits."""
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def values_16_bit(shape=(5, 7), seed=0, dtype=np.uint16):
    """Return random values from a part of the 16-bit range."""
    return np.random.default_rng(seed).integers(1000, 30_000, shape).astype(dtype)


def halves(shape=(16, 32)):
    """Return a picture with a red left and a blue right half, which lossy codecs hardly change."""
    pixels = np.empty((*shape, 3), np.uint8)
    pixels[:, : shape[1] // 2], pixels[:, shape[1] // 2 :] = RED, BLUE
    return pixels


def saved(pixels, image_format, *, mode=None, **options):
    """Return an array or an image as a file that Pillow writes."""
    image = pixels if isinstance(pixels, PIL.Image.Image) else PIL.Image.fromarray(pixels)
    if mode is not None:
        image = PIL.Image.frombytes(mode, image.size, np.ascontiguousarray(pixels).tobytes())
    file = BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def tiff(values, **options):
    """Return an array as a file that tifffile writes."""
    file = BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def chunk(kind, body):
    """Return a chunk of a PNG file."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_16_bit(values, *chunks):
    """Return an array (H, W) or (H, W, bands) as a PNG file of 16 bits with further chunks; Pillow cannot write all of these."""
    height, width = values.shape[:2]
    colour_type = {1: 0, 2: 4, 3: 2, 4: 6}[values[0, 0].size]
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    parts = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def read(data, name="picture"):
    """Return the decoded picture of a file."""
    return decode(data, name=name, limits=LIMITS)


def codes(picture):
    """Return the codes of the notices of a picture, in their order."""
    return [notice.code for notice in picture.notices]


def in_colour(values):
    """Return grey values (H, W) repeated as red, green and blue (H, W, 3)."""
    return np.repeat(values[:, :, None], 3, axis=2)


def scaled(values, low, high):
    """Return values scaled linearly from `low` to `high` to 0 to 255, not rounded."""
    return (values.astype(np.float64) - low) / (float(high) - float(low)) * 255


def blended_with_white(colour, opacity):
    """Return colours (H, W, 3) blended with white by their opacity (H, W), 0 to 1; not rounded."""
    return colour * opacity[:, :, None] + 255 * (1 - opacity[:, :, None])


def assert_rounded(pixels, exact, tolerance=0.5):
    """Assert that every value is the exact one rounded to the nearest integer."""
    np.testing.assert_allclose(pixels, exact, rtol=0, atol=tolerance + 1e-6)


def rgb_profile(*, swapped, gamma=2.2):
    """Return an ICC profile (version 2) with the primaries of sRGB and a gamma; `swapped` exchanges red and green."""
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
    offset = 128 + 4 + 12 * len(tags)
    table, bodies = struct.pack(">I", len(tags)), b""
    for kind, body in tags.items():
        table += kind + struct.pack(">II", offset + len(bodies), len(body))
        bodies += body.ljust(-(-len(body) // 4) * 4, b"\0")
    header = struct.pack(">I4sI4s4s4s", offset + len(bodies), b"none", 0x02400000, b"mntr", space, b"XYZ ")
    header += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + _fixed(*white)
    return header.ljust(128, b"\0") + table + bodies


def _xyz(*values):
    return b"XYZ " + bytes(4) + _fixed(*values)


def _fixed(*values):
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _curve(gamma):
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
