"""Limits on the number of parts of a file, checked before a codec reads it.

Valid files of very many small parts (scans, chunks, frames) take a codec minutes and show little. The time of files that pass
is limited as well, by the processor seconds that decoding may take.
"""

from collections.abc import Callable, Mapping

from segmentation.engine.exceptions import Refusal, gettext_noop
from segmentation.engine.imaging import jpeg2000

MAX_SCANS = 100  # of a JPEG; encoders write about ten, and with unusual settings a few dozen
MAX_PARTS = 10_000  # blocks of a GIF; chunks of a PNG other than those with pixels
MAX_PIXEL_CHUNKS = 200_000  # of a PNG; 8 kB each are usual, so that a file of 50 MB has about 6,000

MAX_TILES = 10_000  # of a JPEG 2000; satellite scenes of 120 megapixels have about a hundred

_START_OF_SCAN = b"\xff\xda"
_CHUNKS_OF_PIXELS = {b"IDAT", b"fdAT"}


def require_few_parts(data: bytes, image_format: str) -> None:
    """Raise unless the number of parts of a JPEG, JPEG 2000, PNG or GIF file is one that encoders write.

    Raises
    ------
    Refusal
        With code `decode_timeout`.
    """
    has_too_many = _CHECKS.get(image_format)
    if has_too_many is not None and has_too_many(data):
        raise Refusal(
            "decode_timeout",
            gettext_noop(
                "It consists of too many parts and would take too long to read. Save it again with another program."
            ),
        )


def _has_too_many_scans(data: bytes) -> bool:
    """Return whether a JPEG has too many scans, those of embedded previews included; compressed data never contain the marker."""
    return data.count(_START_OF_SCAN) > MAX_SCANS


def _has_too_many_chunks(data: bytes) -> bool:
    """Return whether a PNG has too many chunks, counted by their stated lengths."""
    offset, others, pixels = 8, 0, 0
    while offset + 8 <= len(data) and others <= MAX_PARTS and pixels <= MAX_PIXEL_CHUNKS:
        if data[offset + 4 : offset + 8] in _CHUNKS_OF_PIXELS:
            pixels += 1
        else:
            others += 1
        offset += int.from_bytes(data[offset : offset + 4]) + 12
    return others > MAX_PARTS or pixels > MAX_PIXEL_CHUNKS


def _has_too_many_frames(data: bytes) -> bool:
    """Return whether a GIF has too many blocks, counted by their stated lengths (GIF89a, sections 17 to 27)."""
    offset, parts = 13 + _colour_table_size(data, 10), 0
    while offset < len(data) and parts <= MAX_PARTS:
        parts += 1
        if data[offset] == 0x2C:  # an image: descriptor, colour table, code size
            offset = _end_of_sub_blocks(data, offset + 11 + _colour_table_size(data, offset + 9))
        elif data[offset] == 0x21:  # an extension
            offset = _end_of_sub_blocks(data, offset + 2)
        else:
            return False  # the trailer, or damage that the codec will find
    return parts > MAX_PARTS


def _colour_table_size(data: bytes, offset: int) -> int:
    """Return the bytes of the colour table that the packed flags at an offset describe."""
    flags = data[offset] if offset < len(data) else 0
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _end_of_sub_blocks(data: bytes, offset: int) -> int:
    """Return the offset behind the data sub-blocks that begin at an offset, and behind their terminator."""
    while offset < len(data) and data[offset]:
        offset += data[offset] + 1
    return offset + 1


def _has_too_many_tiles(data: bytes) -> bool:
    try:
        return jpeg2000.read_header(data).tiles > MAX_TILES
    except (ValueError, IndexError):
        return False  # damage, for the codec to find


_CHECKS: Mapping[str, Callable[[bytes], bool]] = {
    "JPEG": _has_too_many_scans,
    "PNG": _has_too_many_chunks,
    "GIF": _has_too_many_frames,
    "JPEG2000": _has_too_many_tiles,
}
