"""Small files that cost much: what they hold is legal, there is only too much of it."""

import io
import struct
import zlib

import numpy as np
import PIL.Image
import tifffile


def png_of_text(chunks=1_000_000):
    """A PNG of one pixel with a million chunks of text."""
    whole = _saved(PIL.Image.new("RGB", (1, 1)), "PNG")
    body = b"tEXtk\0v"
    text = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return whole[:33] + text * chunks + whole[33:]


def gif_of_frames(frames=2_000_000):
    """A GIF of one pixel with two million pictures."""
    whole = _saved(PIL.Image.new("P", (1, 1)), "GIF")
    start = whole.index(b",\0\0\0\0\1\0\1\0")
    frame = whole[start:-1]
    return whole[:start] + frame * frames + b";"


def jpeg_of_scans(side=6000, scans=100):
    """A progressive JPEG whose every scan says nothing about all of its blocks."""
    whole = _saved(PIL.Image.new("L", (side, side)), "JPEG", progressive=True, quality=50)
    starts = [place for place in range(len(whole) - 1) if whole[place : place + 2] == b"\xff\xda"]
    last = whole[starts[-1] : -2]
    return whole[:-2] + last * scans + b"\xff\xd9"


def tiff_of_bands(side=2500, bands=16):
    """A TIFF of 16 bands of real numbers that are all the same, packed."""
    file = io.BytesIO()
    values = np.zeros((side, side, bands), np.float32)
    values[::7, ::5] = 1
    tifffile.imwrite(file, values, compression="deflate", photometric="minisblack", planarconfig="contig")
    return file.getvalue()


def tiff_of_pages(pages=2_000_000):
    """A TIFF with two million directories of one picture."""
    strip = b"\0"
    entries = [
        (256, 3, 1, 1), (257, 3, 1, 1), (258, 3, 1, 8), (262, 3, 1, 1), (273, 4, 1, 8), (277, 3, 1, 1), (278, 3, 1, 1),
        (279, 4, 1, 1),
    ]  # fmt: skip
    written = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    size = len(written) + 4
    first = 8 + len(strip) + 1
    small = struct.pack("<H", 1) + struct.pack("<HHII", 256, 3, 1, 1)
    rest = b"".join(
        small + struct.pack("<I", 0 if page == pages - 1 else first + size + (page + 1) * (len(small) + 4))
        for page in range(pages)
    )
    return b"II*\0" + struct.pack("<I", first) + strip + b"\0" + written + struct.pack("<I", first + size) + rest


def _saved(image, image_format, **options):
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()
