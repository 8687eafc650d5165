"""Small files that cost much: what they hold is legal, there is only too much of it."""

import io
import struct
import zlib

import imagecodecs
import numpy as np
import PIL.Image
import tifffile
from pydicom import uid

from tests.engine.imaging import dicoms


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


def tiff_of_entities(depth=12):
    """A TIFF whose OME-XML defines entities of ten entities each."""
    entities = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, depth))
    size = f'<Pixels PhysicalSizeX="&e{depth - 1};" PhysicalSizeY="1"/>'
    text = f'<?xml version="1.0"?><!DOCTYPE OME [<!ENTITY e0 "1">{entities}]><OME><Image>{size}</Image></OME>'
    file = io.BytesIO()
    tifffile.imwrite(file, np.zeros((8, 8), np.uint16), description=text, metadata=None)
    return file.getvalue()


def jpeg_2000_of_tiles(side=1000):
    """A JPEG 2000 that claims a tile for each of a million pixels."""
    data = bytearray(imagecodecs.jpeg2k_encode(np.zeros((side, side), np.uint8), level=0, codecformat="j2k"))
    data[24:32] = struct.pack(">II", 1, 1)
    return bytes(data)


def dicom_of_tiles():
    """The same inside of a DICOM file."""
    return dicoms.dicom(np.zeros((1000, 1000), np.uint8), uid.JPEG2000Lossless, content=jpeg_2000_of_tiles())


def dicom_of_scans():
    """A DICOM file with a JPEG of many scans."""
    return dicoms.dicom(np.zeros((6000, 6000), np.uint8), uid.JPEGBaseline8Bit, content=jpeg_of_scans())


def jpeg_xl_of_frames(frames=4000):
    """A JPEG XL of thousands of frames."""
    return imagecodecs.jpegxl_encode(np.zeros((frames, 8, 8, 3), np.uint8), lossless=True, photometric="rgb", effort=1)


def jpeg_2000_of_layers(side=2000, layers=65535):
    """A JPEG 2000 that claims the most quality layers, of which each costs time even where it is empty."""
    data = bytearray(imagecodecs.jpeg2k_encode(np.zeros((side, side), np.uint8), level=0, codecformat="j2k"))
    style = data.index(b"\xff\x52")
    data[style + 6 : style + 8] = layers.to_bytes(2)
    return bytes(data)


def dicom_deflated(size=300_000_000):
    """A DICOM file of which a third of a megabyte was deflated from a thousand times as much."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = bytes(10_000_000)
    body = b"".join(compressor.compress(block) for _ in range(size // len(block))) + compressor.flush()
    plain = dicoms.dicom(np.zeros((8, 8), np.uint8))
    deflated = uid.DeflatedExplicitVRLittleEndian.encode() + b"\0" * (len(uid.DeflatedExplicitVRLittleEndian) % 2)
    known = b"UI\x14\0" + uid.ExplicitVRLittleEndian.encode() + b"\0"
    head = plain[: plain.index(b"\x08\0\x16\0UI")]
    return head.replace(known, b"UI" + len(deflated).to_bytes(2, "little") + deflated) + body


def dicom_of_runs(size=40_000_000):
    """A DICOM file whose RLE segment has a run of 128 zeros in every two bytes."""
    segment = struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\0" * (size // 2)
    return dicoms.dicom(np.zeros((8, 8), np.uint8), uid.RLELossless, content=segment)


def dicom_of_sequences(depth=100_000):
    """A DICOM file of sequences within sequences."""
    item = b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    sequence = b"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff"
    plain = dicoms.dicom(np.zeros((8, 8), np.uint8))
    place = plain.index(b"\x28\0\x02\0US")
    return plain[:place] + (sequence + item) * depth + plain[place:]


def dicom_of_elements(elements=1_000_000):
    """A DICOM file of a million empty elements."""
    plain = dicoms.dicom(np.zeros((8, 8), np.uint8))
    place = plain.index(b"\x28\0\x02\0US")
    return plain[:place] + b"\x09\x00\x01\x10UN\0\0\0\0\0\0" * elements + plain[place:]


def _saved(image, image_format, **options):
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()
