"""Check of the boxes of a HEIC file: only files with the contents of a photograph are passed to the codec.

The codec supports many kinds of items, codecs and derivations that no camera writes, and most of its published vulnerabilities
are in their code. The `meta` box of a file (ISO/IEC 23008-12) lists its items and how they depend on each other, so that a few
hundred bytes decide whether the codec reads the file.
"""

import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any, NamedTuple

from segmentation.engine.exceptions import Refusal, gettext_noop

MAX_ENTRIES = 1000  # items, properties, boxes in a box; a photograph of 50 megapixels has about 250 items
_MAX_REFERENCES = 4 * MAX_ENTRIES  # also the limit for extents: the data of an item may be in several

_PICTURES = {b"hvc1", b"grid"}
_METADATA = {b"Exif", b"mime", b"iptc"}
# Never decoded: `tmap` describes how to show the picture on HDR screens, `jpeg` is a thumbnail in files from Canon.
_ITEMS = _PICTURES | _METADATA | {b"tmap", b"jpeg"}
_REFERENCES = {b"auxl", b"cdsc", b"dimg", b"thmb"}
_DERIVED_FROM = {b"grid": {b"hvc1"}, b"tmap": _PICTURES}  # no grids of grids
_GROUPS = {
    b"altr",
    b"ster",
    b"eqiv",
    b"tsyn",
    b"brst",
    b"aebr",
    b"wbbr",
    b"fobr",
    b"afbr",
    b"dobr",
    b"pano",
    b"slid",
    b"favc",
}

_META = {b"hdlr", b"dinf", b"pitm", b"iloc", b"iinf", b"iref", b"iprp", b"idat", b"grpl"}
_PADDING = {b"free", b"skip", b"uuid"}
_SEQUENCES = {b"moov", b"moof", b"mfra", b"trak", b"sidx"}
_OTHER_CODECS = {
    b"av1C", b"avcC", b"vvcC", b"evcC", b"jpgC", b"j2kH", b"uncC", b"cmpd", b"cmpC", b"icef", b"cpat", b"splz", b"sbpm", b"snuc", b"cloc",
    b"mskC", b"tilC", b"lhvC",
}  # fmt: skip
_INNER = _META | _OTHER_CODECS | {b"infe", b"ipco", b"ipma", b"hvcC", b"ispe", b"auxC", b"colr", b"pixi", b"ipro"}


class Box(NamedTuple):
    """A box: its type, and the offsets where its content begins and ends in the file."""

    kind: bytes
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Identifier and type of an item, from its `infe` box."""

    id: int
    kind: bytes


def require_photograph(data: bytes) -> None:
    """Raise unless a HEIC file is one still photograph with thumbnails, alpha, depth and metadata, and nothing else.

    Parameters
    ----------
    data : bytes
        The whole file.

    Raises
    ------
    Refusal
        With `unsupported_format` for sequences, and for items, references and codecs that photographs do not have.
    ValueError
        When boxes are truncated, contradict each other or are too many: the file is corrupt.
    """
    meta = _meta_box(data)
    children = _children_of_meta(data, meta)
    handler = children[b"hdlr"]
    if data[handler.start + 8 : handler.start + 12] != b"pict":
        raise ValueError("not a picture")
    items = _items(data, children[b"iinf"])
    _require_primary(data, children[b"pitm"], items)
    _require_properties(data, children[b"iprp"])
    references = _references(data, children[b"iref"], items) if b"iref" in children else []
    _require_references(references, items)
    if b"grpl" in children:
        _require_known({box.kind for box in _boxes(data, children[b"grpl"].start, children[b"grpl"].end)}, _GROUPS)
    _require_extents(data, children[b"iloc"], children.get(b"idat"), items)


def _boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes between two offsets, which they must fill exactly; the last box of the file may have no stated size."""
    for _count in range(MAX_ENTRIES):
        if start == end:
            return
        size, kind = _unpack(data, ">I4s", start, end)
        header = 8
        if size == 1:
            (size,), header = _unpack(data, ">Q", start + 8, end), 16
        elif size == 0 and end == len(data):
            size = end - start
        if not header <= size <= end - start:
            raise ValueError("a box is larger than the box around it")
        yield Box(kind, start + header, start + size)
        start += size
    if start != end:
        raise ValueError("too many boxes")


def _unpack(data: bytes, layout: str, start: int, end: int) -> tuple[Any, ...]:
    """Return the values of a struct layout at an offset; they must end before `end`."""
    if start + struct.calcsize(layout) > end:
        raise ValueError("a box is truncated")
    return struct.unpack_from(layout, data, start)


def _version(data: bytes, box: Box) -> int:
    """Return the version of a full box."""
    return int(_unpack(data, ">B", box.start, box.end)[0])


def _meta_box(data: bytes) -> Box:
    """Return the only `meta` box of a file whose top-level boxes are those of a still picture."""
    boxes = list(_boxes(data, 0, len(data)))
    kinds = [box.kind for box in boxes]
    if _SEQUENCES & set(kinds):
        raise Refusal(
            "unsupported_format",
            gettext_noop(
                "It is a film or a sequence of pictures. Save one picture of it as JPEG or PNG and try again."
            ),
        )
    if kinds[:1] != [b"ftyp"] or kinds.count(b"ftyp") != 1 or kinds.count(b"meta") != 1 or _INNER & set(kinds):
        raise ValueError("a box is not allowed there")
    return boxes[kinds.index(b"meta")]


def _children_of_meta(data: bytes, meta: Box) -> dict[bytes, Box]:
    """Return the children of the `meta` box by type; two of one type are refused, since codecs may choose either."""
    children: dict[bytes, Box] = {}
    for box in _boxes(data, meta.start + 4, meta.end):  # behind version and flags
        if box.kind in _PADDING:
            continue
        _require_known({box.kind}, _META)
        if box.kind in children:
            raise ValueError("a box occurs twice")
        children[box.kind] = box
    if {b"hdlr", b"pitm", b"iloc", b"iinf", b"iprp"} - children.keys():
        raise ValueError("a box is missing")
    return children


def _items(data: bytes, box: Box) -> dict[int, Item]:
    """Return the items of an `iinf` box by identifier."""
    version, start = _version(data, box), box.start + 4
    layout = ">I" if version else ">H"
    (count,) = _unpack(data, layout, start, box.end)
    items = [_item(data, entry) for entry in _boxes(data, start + struct.calcsize(layout), box.end)]
    by_id = {item.id: item for item in items}
    if len(items) != count or len(by_id) != count:
        raise ValueError("the number of items differs from the stated one")
    return by_id


def _item(data: bytes, box: Box) -> Item:
    """Return the item of an `infe` box; encrypted items and compressed text are refused."""
    if box.kind != b"infe":
        raise ValueError("an item is not described by an infe box")
    layouts = {2: ">HH4s", 3: ">IH4s"}
    version = _version(data, box)
    if version not in layouts:
        raise ValueError("an item of a version that pictures do not have")
    number, protection, kind = _unpack(data, layouts[version], box.start + 4, box.end)
    _require_known({kind}, _ITEMS)
    if protection:
        raise ValueError("an item is encrypted")
    strings = data[box.start + 4 + struct.calcsize(layouts[version]) : box.end].split(b"\0")
    if kind == b"mime" and any(strings[2:]):  # name, type, encoding
        _refuse(b"mime")  # compressed text: a few bytes of it can fill the memory
    return Item(id=number, kind=kind)


def _require_primary(data: bytes, box: Box, items: dict[int, Item]) -> None:
    """Raise unless the primary item of a `pitm` box is a picture."""
    (number,) = _unpack(data, ">I" if _version(data, box) else ">H", box.start + 4, box.end)
    if number not in items:
        raise ValueError("the primary item does not exist")
    _require_known({items[number].kind}, _PICTURES)


def _require_properties(data: bytes, box: Box) -> None:
    """Raise when a property in an `iprp` box is of another codec than HEVC."""
    for child in _boxes(data, box.start, box.end):
        if child.kind == b"ipco":
            for prop in _boxes(data, child.start, child.end):
                if prop.kind in _OTHER_CODECS:
                    _refuse(prop.kind)
        elif child.kind != b"ipma":
            raise ValueError("a box is not allowed there")


def _references(data: bytes, box: Box, items: dict[int, Item]) -> list[tuple[bytes, int, int]]:
    """Return the type of every reference in an `iref` box, with the identifiers of the items it leads from and to."""
    layout, found = ("I" if _version(data, box) else "H"), []
    for child in _boxes(data, box.start + 4, box.end):
        _require_known({child.kind}, _REFERENCES)
        origin, count = _unpack(data, f">{layout}H", child.start, child.end)
        targets = _unpack(data, f">{count}{layout}", child.start + struct.calcsize(f">{layout}H"), child.end)
        found += [(child.kind, origin, target) for target in targets]
        if len(found) > _MAX_REFERENCES:
            raise ValueError("too many references")
    if {number for _, *ends in found for number in ends} - items.keys():
        raise ValueError("a reference leads to no item")
    return found


def _require_references(references: list[tuple[bytes, int, int]], items: dict[int, Item]) -> None:
    """Raise for derivations that photographs do not have, and for cycles."""
    thumbnails = {origin for kind, origin, _target in references if kind == b"thmb"}
    if any(item.kind == b"jpeg" and item.id not in thumbnails for item in items.values()):
        _refuse(b"jpeg")
    graph: dict[int, set[int]] = defaultdict(set)
    for kind, origin, target in references:
        if kind == b"dimg" and items[target].kind not in _DERIVED_FROM.get(items[origin].kind, ()):
            _refuse(kind)
        graph[origin].add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError:
        raise ValueError("items depend on each other in a cycle") from None


def _require_extents(data: bytes, box: Box, idat: Box | None, items: dict[int, Item]) -> None:
    """Raise for items whose data are outside the file or constructed from other items."""
    available = {0: len(data), 1: idat.end - idat.start if idat else 0}
    for number, method, extents in _item_extents(data, box):
        if number not in items or method not in available:
            raise ValueError("data of an unknown item, or stored in an unknown way")
        if any(offset + length > available[method] for offset, length in extents):
            raise ValueError("an item is truncated")


def _item_extents(data: bytes, box: Box) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """Yield identifier, construction method and extents (offset, length) of each item in an `iloc` box (ISO/IEC 14496-12, 8.11.3)."""
    reader = _Reader(data, box.start, box.end)
    version, sizes = reader.take(1), (reader.take(3), reader.take(2))[1]
    size_of = [sizes >> shift & 15 for shift in (12, 8, 4, 0)]
    if version > 2 or {*size_of} - {0, 4, 8}:
        raise ValueError("an iloc box of an unknown version or with unknown sizes")
    offset_size, length_size, base_size, index_size = size_of
    total = 0
    for _item in range(_bounded(reader.take(4 if version == 2 else 2), MAX_ENTRIES)):
        number = reader.take(4 if version == 2 else 2)
        method = reader.take(2) if version else 0
        if reader.take(2):
            raise ValueError("the data of an item are in another file")
        base, count = reader.take(base_size), reader.take(2)
        total = _bounded(total + count, _MAX_REFERENCES)
        extents = []
        for _extent in range(count):
            reader.take(index_size if version else 0)
            offset = reader.take(offset_size)
            length = reader.take(length_size)
            extents.append((base + offset, length))
        yield number, method, extents


class _Reader:
    """Reads consecutive big-endian integers of a box."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        self._data, self._at, self._end = data, start, end

    def take(self, size: int) -> int:
        """Return the next integer of `size` bytes; 0 for size 0."""
        start, self._at = self._at, self._at + size
        if self._at > self._end:
            raise ValueError("a box is truncated")
        return int.from_bytes(self._data[start : self._at])


def _bounded(count: int, limit: int) -> int:
    """Return a count; raises when it is above a limit."""
    if count > limit:
        raise ValueError("too many extents")
    return count


def _require_known(kinds: set[bytes], known: set[bytes]) -> None:
    for kind in sorted(kinds - known):
        _refuse(kind)


def _refuse(kind: bytes) -> None:
    raise Refusal(
        "unsupported_format",
        gettext_noop(
            "This HEIC file holds something (%(kind)s) that photographs do not have. Save it as JPEG or PNG and try again."
        ),
        kind="".join(chr(byte) if 32 < byte < 127 else "?" for byte in kind),
    )
