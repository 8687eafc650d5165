"""HEIC files as an attacker writes them: a good one, taken apart into its boxes and put together again with others."""

import io
import struct

import numpy as np
import PIL.Image
import pillow_heif

FULL = bytes(4)  # version and flags


def photograph(*, tiles: bool = False, **options) -> bytes:
    """A real file: one picture, or one of four tiles; further options are those of the codec's `save`."""
    pillow_heif.register_heif_opener()
    pixels, file = np.random.default_rng(0).integers(0, 256, (128, 128, 3), np.uint8), io.BytesIO()
    pillow_heif.from_pillow(PIL.Image.fromarray(pixels)).save(file, **options, **({"tile_size": 64} if tiles else {}))
    return file.getvalue()


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    found = []
    while data:
        size, kind = struct.unpack_from(">I4s", data)
        found.append((kind, data[8:size]))
        data = data[size:]
    return found


def joined(parts: list[tuple[bytes, bytes]]) -> bytes:
    return b"".join(box(kind, content) for kind, content in parts)


def rewritten(data: bytes, path: str, change) -> bytes:
    """Apply `change` to the content of the box at a path like `meta/iinf`; places of items are moved along."""
    first, _, rest = path.partition("/")
    header = {b"meta": 4, b"iinf": 6, b"iref": 4}.get(first.encode(), 0)
    parts = []
    for kind, content in boxes(data):
        if kind == first.encode():
            changed = content[:header] + rewritten(content[header:], rest, change) if rest else change(content)
            parts.append((kind, changed))
        else:
            parts.append((kind, content))
    return joined(parts)


def patched(data: bytes, path: str, change) -> bytes:
    """As `rewritten`, for a whole file: what stands behind `meta` is still found."""
    changed = rewritten(data, path, change)
    return moved(changed, len(changed) - len(data))


def moved(data: bytes, by: int) -> bytes:
    """Add to the place of every item that lies in the file (`iloc` of version 0 or 1, one place an item, as libheif writes it)."""

    def shift(content: bytes) -> bytes:
        version, sizes = content[0], struct.unpack_from(">H", content, 4)[0]
        offset, length, base = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
        out, at = bytearray(content), 8
        for _ in range(struct.unpack_from(">H", content, 6)[0]):
            at += 2
            method = int.from_bytes(content[at : at + 2]) if version else 0
            at += (2 if version else 0) + 2 + base
            places = int.from_bytes(content[at : at + 2])
            at += 2
            for _ in range(places):
                value = int.from_bytes(content[at : at + offset])
                if method == 0:
                    out[at : at + offset] = (value + by).to_bytes(offset)
                at += offset + length
        return bytes(out)

    return rewritten(data, "meta/iloc", shift)


def entry(number: int, kind: bytes, *, protection: int = 0, strings: bytes = b"\0") -> bytes:
    """An item, as `iinf` lists it."""
    return box(b"infe", b"\2\0\0\0" + struct.pack(">HH4s", number, protection, kind) + strings)


def with_item(data: bytes, kind: bytes, *, number: int = 77, **more) -> bytes:
    """The file with one more item, which lies where the first one lies."""

    def listed(content: bytes) -> bytes:
        count = int.from_bytes(content[4:6]) + 1
        return content[:4] + struct.pack(">H", count) + content[6:] + entry(number, kind, **more)

    return patched(data, "meta/iinf", listed)


def with_primary_of_kind(data: bytes, kind: bytes) -> bytes:
    """The file with its first item of another kind."""
    return patched(data, "meta/iinf", lambda content: content.replace(b"hvc1", kind, 1).replace(b"grid", kind, 1))


def with_reference(data: bytes, kind: bytes, origin: int, *targets: int) -> bytes:
    """The file with one more reference."""
    reference = box(kind, struct.pack(f">HH{len(targets)}H", origin, len(targets), *targets))

    def referring(content: bytes) -> bytes:
        if any(kind == b"iref" for kind, _ in boxes(content[4:])):
            return content[:4] + rewritten(content[4:], "iref", lambda inner: inner + reference)
        return content + box(b"iref", FULL + reference)

    return patched(data, "meta", referring)


def with_property(data: bytes, kind: bytes) -> bytes:
    """The file with one more property, which no item has."""
    return patched(data, "meta/iprp/ipco", lambda content: content + box(kind, bytes(16)))
