"""What a JPEG 2000 file says of itself before it is decoded (ISO/IEC 15444-1, annexes A and I): boxes, size, depth, tiles."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

JP2_SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
CODESTREAM_SIGNATURE = b"\xff\x4f\xff\x51"

_GEOJP2 = UUID("b14bf8bd-083d-4b43-a5ae-8cd7d5a6ce03").bytes
_MOST_BOXES = 1000
_SIZ_FIXED = 42  # bytes of the first segment with its markers, before what it says of each component
_ALPHA_TYPES = {1, 2}  # of a channel: opacity, and opacity by which colours were multiplied


@dataclass(frozen=True, slots=True, kw_only=True)
class Jpeg2000:
    """The header of a picture in JPEG 2000."""

    width: int
    height: int
    bands: int  # that a decoder returns: with a palette applied
    bits: int  # of a value
    is_signed: bool
    tiles: int
    is_even: bool  # whether all components have one depth
    has_palette: bool
    alpha: int | None  # the band that is alpha
    is_multiplied: bool  # whether colours were multiplied by alpha
    space: int | None  # of the enumerated colour spaces; None: by a profile, or not said
    profile: bytes | None  # ICC
    codestream: int  # where it begins
    geotiff: bytes | None  # a small TIFF that holds the place on earth

    @property
    def dtype(self) -> str:
        """NumPy's name for the type of one value."""
        size = 8 if self.bits <= 8 else 16 if self.bits <= 16 else 32
        return f"{'int' if self.is_signed else 'uint'}{size}"


def read_header(data: bytes) -> Jpeg2000:
    """Return the header of a file or of a codestream alone; raises ValueError or IndexError for what is none."""
    boxes = [] if data.startswith(CODESTREAM_SIGNATURE) else list(_boxes(data, 0, len(data)))
    start = next((first for kind, first, _last in boxes if kind == b"jp2c"), 0)
    width, height, tiles, components = _size(data[start : start + _SIZ_FIXED + 3 * 16384])
    header = next(((first, last) for kind, first, last in boxes if kind == b"jp2h"), (0, 0))
    inner: dict[bytes, bytes] = {}
    for kind, first, last in _boxes(data, *header):
        inner.setdefault(kind, data[first:last])
    palette = inner.get(b"pclr")
    depths = {components[3 * index] for index in range(len(components) // 3)}
    bands, depth = len(components) // 3, max(depths)
    if palette is not None:
        bands, depth = palette[2], max(palette[3 : 3 + palette[2]])
    alpha, is_multiplied = _alpha(inner.get(b"cdef", b""), bands)
    space, profile = _colour(inner.get(b"colr", b""))
    place = next(
        (data[first + 16 : last] for kind, first, last in boxes if _is_geojp2(kind, data[first : first + 16])), None
    )
    return Jpeg2000(
        width=width,
        height=height,
        bands=bands,
        bits=(depth & 0x7F) + 1,
        is_signed=bool(depth & 0x80),
        tiles=tiles,
        is_even=len(depths) == 1,
        has_palette=palette is not None,
        alpha=alpha,
        is_multiplied=is_multiplied,
        space=space,
        profile=profile,
        codestream=start,
        geotiff=place,
    )


def _is_geojp2(kind: bytes, identity: bytes) -> bool:
    return kind == b"uuid" and identity == _GEOJP2


def _size(segment: bytes) -> tuple[int, int, int, bytes]:
    """Return width, height, tiles and, of each component, depth and both subsamplings (SIZ, A.5.1)."""
    if not segment.startswith(CODESTREAM_SIGNATURE):
        raise ValueError("It is no codestream.")
    right, bottom, left, top, tile_width, tile_height, tile_left, tile_top = (
        int.from_bytes(segment[offset : offset + 4]) for offset in range(8, 40, 4)
    )
    number = int.from_bytes(segment[40:42])
    components = segment[_SIZ_FIXED : _SIZ_FIXED + 3 * number]
    if not (number and len(components) == 3 * number and tile_width and tile_height and left < right and top < bottom):
        raise ValueError("It has no pixels.")
    across, down = -(-(right - tile_left) // tile_width), -(-(bottom - tile_top) // tile_height)
    return right - left, bottom - top, max(0, across) * max(0, down), components


def _colour(specification: bytes) -> tuple[int | None, bytes | None]:
    """Return the enumerated colour space or the profile (colr, I.5.3.3)."""
    method = specification[:1]
    if method == b"\1" and len(specification) >= 7:
        return int.from_bytes(specification[3:7]), None
    return None, specification[3:] if method == b"\2" else None


def _alpha(definitions: bytes, bands: int) -> tuple[int | None, bool]:
    """Return the band that is alpha of the whole picture, and whether colours were multiplied by it (cdef, I.5.3.6)."""
    for offset in range(2, len(definitions) - 5, 6):
        band, kind, of = (int.from_bytes(definitions[offset + step : offset + step + 2]) for step in (0, 2, 4))
        if kind in _ALPHA_TYPES and of == 0 and 0 < band < bands:
            return band, kind == 2
    return None, False


def _boxes(data: bytes, first: int, last: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, begin and end of the content of each box; ends at the first that does not fit."""
    for _ in range(_MOST_BOXES):
        size, kind, begin = int.from_bytes(data[first : first + 4]), data[first + 4 : first + 8], first + 8
        if size == 1:  # in the next eight bytes
            size, begin = int.from_bytes(data[first + 8 : first + 16]), first + 16
        end = last if size == 0 else first + size
        if not begin <= end <= last:
            return
        yield kind, begin, end
        first = end
