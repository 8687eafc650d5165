"""Good pictures of every format that is taken, and what chance and malice make of them; the same number always gives the same file."""

import io
import itertools
import random
import struct
import zlib
from collections.abc import Callable
from functools import cache

import imagecodecs
import numpy as np
import PIL.Image
import pillow_heif
import tifffile

from tests.engine.imaging import dicoms, geotiffs

FIELDS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def _saved(image: PIL.Image.Image, image_format: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def _tiff(values, **options) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def _deep_png(values) -> bytes:
    height, width, _bands = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    body = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in body)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@cache
def seeds() -> dict[str, list[bytes]]:
    """Small pictures, a few for each of the formats, so that each way of storing is among them."""
    pillow_heif.register_heif_opener()
    rng = np.random.default_rng(17)
    ramp = np.add.outer(np.arange(96), np.arange(128))[:, :, None] * np.array([1, 2, 3]) % 256
    colour = PIL.Image.fromarray((ramp + rng.integers(0, 32, ramp.shape)).clip(0, 255).astype(np.uint8))
    grey, small = colour.convert("L"), colour.resize((48, 40))
    clear = colour.copy()
    clear.putalpha(grey)
    deep = rng.integers(0, 2**16, (40, 48, 3), np.uint16)
    exif = PIL.Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    frames = {"save_all": True, "append_images": [colour.rotate(90), colour.rotate(180)]}
    return {
        "png": [
            _saved(colour, "PNG", exif=exif, dpi=(300, 300)), _saved(clear, "PNG"), _saved(colour.quantize(17), "PNG", transparency=3),
            _saved(grey.convert("1"), "PNG"), _deep_png(deep), _saved(colour, "PNG", **frames),
        ],
        "jpeg": [
            _saved(colour, "JPEG", exif=exif), _saved(colour, "JPEG", progressive=True), _saved(colour.convert("CMYK"), "JPEG"),
            _saved(grey, "JPEG", restart_marker_rows=1),
        ],
        "webp": [_saved(colour, "WEBP", exif=exif), _saved(clear, "WEBP", lossless=True), _saved(clear, "WEBP"), _saved(colour, "WEBP", **frames)],
        "tiff": [
            _saved(colour, "TIFF", compression="tiff_lzw", exif=exif), _saved(colour, "TIFF", compression="jpeg"),
            _saved(grey.convert("1"), "TIFF", compression="group4"), _saved(colour.quantize(9), "TIFF", compression="packbits"),
            _tiff(deep, photometric="rgb", compression="deflate", predictor=True), _tiff(deep.astype(np.float32), photometric="rgb", tile=(16, 16)),
            _tiff(deep.transpose(2, 0, 1), photometric="minisblack", bigtiff=True, byteorder=">"),
            _tiff(deep.transpose(2, 0, 1), photometric="rgb", planarconfig="separate", compression="zstd"),
        ],
        "bmp": [_saved(colour, "BMP"), _saved(colour.quantize(200), "BMP"), _saved(grey.convert("1"), "BMP"), _saved(clear, "BMP")],
        "gif": [_saved(colour, "GIF"), _saved(colour, "GIF", **frames), _saved(colour.quantize(5), "GIF", transparency=1, interlace=1)],
        "avif": [_saved(small, "AVIF", exif=exif), _saved(clear.resize((48, 40)), "AVIF"), _saved(small, "AVIF", save_all=True, append_images=[small])],
        "jpeg2000": [
            imagecodecs.jpeg2k_encode(deep, level=0, reversible=True, codecformat="jp2"), _saved(small, "JPEG2000", tile_size=(16, 16)),
            imagecodecs.jpeg2k_encode(np.asarray(small), level=40, codecformat="j2k"), _saved(clear.resize((48, 40)), "JPEG2000"),
        ],
        "jxl": [
            imagecodecs.jpegxl_encode(deep, lossless=True), imagecodecs.jpegxl_encode(np.asarray(small), distance=1.0, usecontainer=True),
            imagecodecs.jpegxl_encode(np.asarray(clear.resize((48, 40))), lossless=True),
            imagecodecs.jpegxl_encode(np.stack([np.asarray(small)] * 3), lossless=True, photometric="rgb"),
            imagecodecs.jpegxl_encode(deep.transpose(2, 0, 1), lossless=True, photometric="gray", planar=True),
        ],
        "dicom": [
            dicoms.dicom(deep[:, :, 0], PixelSpacing=[0.5, 0.5]), dicoms.rle(np.asarray(small)), dicoms.jpeg_2000(deep[:, :, 0]),
            dicoms.dicom(deep[:, :, 0], "1.2.840.10008.1.2.4.80", content=imagecodecs.jpegls_encode(deep[:, :, 0])),
            dicoms.dicom(np.asarray(small), "1.2.840.10008.1.2.4.50", content=_saved(small, "JPEG"), PhotometricInterpretation="YBR_FULL_422"),
            dicoms.dicom(deep[:, :, 0], dicoms.JPEG_XL, content=imagecodecs.jpegxl_encode(deep[:, :, 0], lossless=True)),
        ],
        "geotiff": [geotiffs.utm(values=deep[:, :, 0]), geotiffs.degrees(), geotiffs.user_defined()],
        "heic": [
            _saved(small, "HEIF", exif=exif, xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"), _saved(clear, "HEIF"), _tiled(colour),
            _saved(small, "HEIF", save_all=True, append_images=[small.rotate(90)]),
        ],
    }  # fmt: skip


def _tiled(image: PIL.Image.Image) -> bytes:
    file = io.BytesIO()
    pillow_heif.from_pillow(image).save(file, tile_size=64)
    return file.getvalue()


def mutated(image_format: str, number: int) -> tuple[str, bytes]:
    """Return what was done, and the file; the same for the same number."""
    dice = random.Random(f"{image_format} {number}")  # noqa: S311 - dice
    data = dice.choice(seeds()[image_format])
    done = []
    for change in dice.choices(CHANGES, k=dice.choice([1, 1, 1, 2, 3])):
        done.append(change.__name__)
        data = change(data, dice)
    if image_format == "png" and dice.random() < 0.8:  # else hardly any gets past the checksums
        done.append("checksums mended")
        data = _with_checksums(data)
    return " + ".join(done), data


def _place(data: bytes, dice: random.Random) -> int:
    """Half of the places lie in the first 200 bytes, where headers are."""
    return dice.randrange(min(len(data), 200) if dice.random() < 0.5 else len(data)) if data else 0


def bits(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.choice([1, 1, 2, 4, 16]) if data else 0):
        changed[_place(data, dice)] ^= 1 << dice.randrange(8)
    return bytes(changed)


def field(data: bytes, dice: random.Random) -> bytes:
    """Write a number that programs trip over where another one stood."""
    place, size = _place(data, dice), dice.choice([1, 2, 4, 8])
    value = (dice.choice(FIELDS) % 256**size).to_bytes(size, dice.choice(["big", "little"]))
    return data[:place] + value + data[place + size :]


def cut(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data) + 1)]


def inserted(data: bytes, dice: random.Random) -> bytes:
    place = _place(data, dice)
    return data[:place] + dice.randbytes(dice.choice([1, 4, 64, 1000])) + data[place:]


def deleted(data: bytes, dice: random.Random) -> bytes:
    place = _place(data, dice)
    return data[:place] + data[place + dice.choice([1, 4, 64, 1000]) :]


def repeated(data: bytes, dice: random.Random) -> bytes:
    place, size = _place(data, dice), dice.choice([1, 12, 200])
    return data[:place] + data[place : place + size] * dice.choice([2, 3, 50, 1000]) + data[place + size :]


def swapped(data: bytes, dice: random.Random) -> bytes:
    """Exchange two neighbouring parts: chunks, segments or boxes where the format has them."""
    edges = _edges(data) or sorted(dice.randrange(len(data) + 1) for _ in range(3))
    if len(edges) < 3:
        return data
    at = dice.randrange(len(edges) - 2)
    first, middle, last = edges[at : at + 3]
    return data[:first] + data[middle:last] + data[first:middle] + data[last:]


CHANGES: list[Callable[[bytes, random.Random], bytes]] = [
    bits,
    bits,
    field,
    field,
    cut,
    inserted,
    deleted,
    repeated,
    swapped,
]


def _edges(data: bytes) -> list[int]:
    """Where the parts of a file begin and end, as far as they can be walked along."""
    if data[:4] == b"\x89PNG":
        return _walk(data, 8, lambda at: 12 + int.from_bytes(data[at : at + 4]))
    if data[:4] == b"RIFF":
        return _walk(data, 12, lambda at: 8 + -(-int.from_bytes(data[at + 4 : at + 8], "little") // 2) * 2)
    if data[4:8] in {b"ftyp", b"jP  ", b"JXL "}:
        return _walk(data, 0, lambda at: max(int.from_bytes(data[at : at + 4]), 8))
    if data[:2] == b"\xff\xd8":
        return _walk(data, 2, lambda at: 2 + int.from_bytes(data[at + 2 : at + 4]))
    return []


def _walk(data: bytes, start: int, size: Callable[[int], int]) -> list[int]:
    edges = [start]
    while edges[-1] < len(data) and len(edges) < 100:
        edges.append(edges[-1] + size(edges[-1]))
    return [edge for edge in edges if edge <= len(data)]


def _with_checksums(data: bytes) -> bytes:
    edges = _edges(data)
    parts = [data[first:last] for first, last in itertools.pairwise(edges)]
    return data[:8] + b"".join(_chunk(part[4:8], part[8:-4]) for part in parts) + data[edges[-1] if edges else 8 :]
