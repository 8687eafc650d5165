"""A look at how a file is built, before a codec walks through it: legal files of many tiny parts cost much and show nothing.

What passes here is still limited by its budget of processor seconds.
"""

from segmentation.engine.exceptions import Refusal, gettext_noop

MOST_SCANS = 100  # of a JPEG; encoders write ten, and their most patient settings a few dozen
MOST_PARTS = 10_000  # pictures of a GIF, chunks of a PNG beside those of its pixels
MOST_PIXEL_CHUNKS = 200_000  # of a PNG; 8 kB each are usual, so that 50 MB have 6,000

_START_OF_SCAN = b"\xff\xda"
_PIXELS = {b"IDAT", b"fdAT"}


def require_few_parts(data: bytes, image_format: str) -> None:
    """Refuse a file of more parts than any program writes.

    Raises
    ------
    Refusal
        With `decode_timeout`.
    """
    look = {"JPEG": _has_many_scans, "PNG": _has_many_chunks, "GIF": _has_many_frames}.get(image_format)
    if look is not None and look(data):
        raise Refusal(
            "decode_timeout",
            gettext_noop(
                "It consists of too many parts and would take too long to read. Save it again with another program."
            ),
        )


def _has_many_scans(data: bytes) -> bool:
    """Previews inside the file count, too; compressed data never holds the marker."""
    return data.count(_START_OF_SCAN) > MOST_SCANS


def _has_many_chunks(data: bytes) -> bool:
    place, others, pixels = 8, 0, 0
    while place + 8 <= len(data) and others <= MOST_PARTS and pixels <= MOST_PIXEL_CHUNKS:
        if data[place + 4 : place + 8] in _PIXELS:
            pixels += 1
        else:
            others += 1
        place += int.from_bytes(data[place : place + 4]) + 12
    return others > MOST_PARTS or pixels > MOST_PIXEL_CHUNKS


def _has_many_frames(data: bytes) -> bool:
    """Walk over the blocks of a GIF, by their lengths (GIF89a, sections 17 to 27)."""
    place, parts = 13 + _table_size(data, 10), 0
    while place < len(data) and parts <= MOST_PARTS:
        parts += 1
        if data[place] == 0x2C:  # a picture: descriptor, colour table, code size
            place = _after_blocks(data, place + 11 + _table_size(data, place + 9))
        elif data[place] == 0x21:  # an extension
            place = _after_blocks(data, place + 2)
        else:
            return False  # the end, or damage for the codec to find
    return parts > MOST_PARTS


def _table_size(data: bytes, place: int) -> int:
    """Bytes of the colour table that the flags at a place announce."""
    flags = data[place] if place < len(data) else 0
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_blocks(data: bytes, place: int) -> int:
    while place < len(data) and data[place]:
        place += data[place] + 1
    return place + 1
