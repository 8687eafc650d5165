"""What a JPEG XL file says of itself before it is decoded (ISO/IEC 18181-1, annexes D and E; 18181-2 for its boxes)."""

from dataclasses import dataclass, field

CODESTREAM_SIGNATURE = b"\xff\x0a"
CONTAINER_SIGNATURE = b"\0\0\0\x0cJXL \r\n\x87\n"

_LONGEST_HEADER = 4096  # bytes that are looked at: names of channels are the longest part
_MOST_BOXES = 1000
_RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
_SIDE = ((9, 1), (13, 1), (18, 1), (30, 1))  # bits, and what is added to them
_PREVIEW_SIDE = ((6, 1), (8, 65), (10, 321), (12, 1345))
_PREVIEW_EIGHTHS = (16, 32, (5, 1), (9, 33))
_ENUM = (0, 1, (4, 2), (6, 18))
_ALPHA, _SPOT, _CFA = 0, 2, 5  # kinds of extra channels
_GREY = 1  # a colour space
_D65, _SRGB_PRIMARIES = 1, 1

Choices = tuple[int | tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class JpegXl:
    """The header of a picture in JPEG XL."""

    width: int  # as stored, before it is turned
    height: int
    orientation: int  # EXIF value 1 to 8; the decoder applies it
    colours: int  # 1 or 3
    bits: int
    is_float: bool
    extra: tuple[int, ...]  # kinds of the channels beside colour
    is_multiplied: bool  # whether colours were multiplied by alpha
    is_animated: bool
    is_srgb: bool  # or grey of the same white

    @property
    def has_alpha(self) -> bool:
        return _ALPHA in self.extra

    @property
    def bands(self) -> int:
        """Values a pixel that imagecodecs returns: further channels only of grey pictures without alpha."""
        if self.has_alpha:
            return self.colours + 1
        return self.colours + len(self.extra) if self.colours == 1 else self.colours

    @property
    def dtype(self) -> str:
        """NumPy's name for the type of one value."""
        if self.is_float:
            return f"float{self.bits}"
        return "uint8" if self.bits <= 8 else "uint16" if self.bits <= 16 else "float32"


@dataclass(slots=True)
class _Bits:
    """Bits from the lowest of the first byte on."""

    data: bytes
    place: int = 0

    def take(self, count: int) -> int:
        value = 0
        for index in range(count):
            byte, bit = divmod(self.place + index, 8)
            value |= (self.data[byte] >> bit & 1) << index
        self.place += count
        return value

    def flag(self) -> bool:
        return bool(self.take(1))

    def choice(self, choices: Choices) -> int:
        """A number, by two bits that choose a constant, or how many bits it has and what is added."""
        chosen = choices[self.take(2)]
        return chosen if isinstance(chosen, int) else self.take(chosen[0]) + chosen[1]


@dataclass(slots=True, kw_only=True)
class _Found:
    orientation: int = 1
    is_animated: bool = False
    bits: int = 8
    is_float: bool = False
    extra: list[int] = field(default_factory=list)
    is_multiplied: bool = False
    colours: int = 3
    is_srgb: bool = True


def read_header(data: bytes) -> JpegXl:
    """Return the header of a file; raises ValueError or IndexError for what is none."""
    codestream = data[:_LONGEST_HEADER] if data.startswith(CODESTREAM_SIGNATURE) else _codestream(data)
    if not codestream.startswith(CODESTREAM_SIGNATURE):
        raise ValueError("It is no codestream.")
    bits = _Bits(codestream, 16)
    width, height = _size(bits)
    found = _Found()
    if not bits.flag():  # not all as usual
        _metadata(bits, found)
    return JpegXl(
        width=width,
        height=height,
        orientation=found.orientation,
        colours=found.colours,
        bits=found.bits,
        is_float=found.is_float,
        extra=tuple(found.extra),
        is_multiplied=found.is_multiplied,
        is_animated=found.is_animated,
        is_srgb=found.is_srgb,
    )


def _codestream(data: bytes) -> bytes:
    """Return the beginning of the codestream in a container, which may be cut into parts."""
    found, first = b"", 0
    for _ in range(_MOST_BOXES):
        size, kind, begin = int.from_bytes(data[first : first + 4]), data[first + 4 : first + 8], first + 8
        if size == 1:
            size, begin = int.from_bytes(data[first + 8 : first + 16]), first + 16
        end = len(data) if size == 0 else first + size
        if not begin <= end or len(found) >= _LONGEST_HEADER or begin > len(data):
            break
        if kind in {b"jxlc", b"jxlp"}:
            begin += 4 if kind == b"jxlp" else 0  # the number of the part
            found += data[begin : min(end, begin + _LONGEST_HEADER)]
        first = end
    return found


def _size(bits: _Bits) -> tuple[int, int]:
    is_small = bits.flag()
    height = 8 * (bits.take(5) + 1) if is_small else bits.choice(_SIDE)
    ratio = bits.take(3)
    if ratio:
        across, down = _RATIOS[ratio]
        return height * across // down, height
    return 8 * (bits.take(5) + 1) if is_small else bits.choice(_SIDE), height


def _metadata(bits: _Bits, found: _Found) -> None:
    if bits.flag():  # more than pixels
        found.orientation = bits.take(3) + 1
        if bits.flag():
            _size(bits)
        if bits.flag():
            _preview(bits)
        found.is_animated = bits.flag()
        if found.is_animated:
            _animation(bits)
    found.bits, found.is_float = _depth(bits)
    bits.flag()
    for _ in range(bits.choice((0, 1, (4, 2), (12, 1)))):
        _channel(bits, found)
    bits.flag()
    if not bits.flag():
        _colours(bits, found)


def _preview(bits: _Bits) -> None:
    choices: Choices = _PREVIEW_EIGHTHS if bits.flag() else _PREVIEW_SIDE
    bits.choice(choices)
    if not bits.take(3):
        bits.choice(choices)


def _animation(bits: _Bits) -> None:
    bits.choice((100, 1000, (10, 1), (30, 1)))
    bits.choice((1, 1001, (8, 1), (10, 1)))
    bits.choice((0, (3, 0), (16, 0), (32, 0)))
    bits.flag()


def _depth(bits: _Bits) -> tuple[int, bool]:
    if not bits.flag():
        return bits.choice((8, 10, 12, (6, 1))), False
    depth = bits.choice((32, 16, 24, (6, 1)))
    bits.take(4)
    return depth, True


def _channel(bits: _Bits, found: _Found) -> None:
    if bits.flag():
        found.extra.append(_ALPHA)
        return
    kind = bits.choice(_ENUM)
    found.extra.append(kind)
    _depth(bits)
    bits.choice((0, 3, 4, (3, 1)))
    bits.take(8 * bits.choice((0, (4, 0), (5, 16), (10, 48))))
    if kind == _ALPHA:
        found.is_multiplied |= bits.flag()
    elif kind == _SPOT:
        bits.take(64)
    elif kind == _CFA:
        bits.choice((1, (2, 0), (4, 3), (8, 19)))


def _colours(bits: _Bits, found: _Found) -> None:
    has_profile = bits.flag()
    space = bits.choice(_ENUM)
    found.colours = 1 if space == _GREY else 3
    found.is_srgb = not has_profile and space in {0, _GREY} and bits.choice(_ENUM) == _D65
    if found.is_srgb and space == 0:
        found.is_srgb = bits.choice(_ENUM) == _SRGB_PRIMARIES
