"""Arrays and files that pass from the decoder to its client through open memory, not through messages.

The decoder writes them one after the other; what it says of them (offset, type, shape) is checked against what is there.
"""

import contextlib
import fcntl
import mmap
import os
import sys
import tempfile
from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ALIGNMENT = 64
_TYPES = {
    name: np.dtype(name)
    for name in (
        "uint8", "int8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64",
    )
}  # fmt: skip


class Untrustworthy(Exception):
    """What came from the decoder is not of the agreed form."""


@contextlib.contextmanager
def open_memory(content: bytes = b"") -> Iterator[int]:
    """Open a file that has no name, in memory where the system can, and give its descriptor."""
    if sys.platform == "linux":
        descriptor = os.memfd_create("decoder", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    try:
        write_all(descriptor, content)
        yield descriptor
    finally:
        os.close(descriptor)


def write_all(descriptor: int, content: "bytes | memoryview") -> None:
    left = memoryview(content).cast("B") if len(content) else memoryview(b"")
    while left:
        left = left[os.write(descriptor, left) :]


class Writer:
    """The decoder's side."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._offset = 0

    def put_bytes(self, content: bytes) -> list[int]:
        """Write a file; returns its offset and length."""
        offset = self._offset
        write_all(self._descriptor, content)
        padding = -len(content) % _ALIGNMENT
        write_all(self._descriptor, bytes(padding))
        self._offset += len(content) + padding
        return [offset, len(content)]

    def put_array(self, array: NDArray[np.generic]) -> dict[str, Any]:
        """Write an array (truth values as 0 and 1); returns what `Reader.array` needs."""
        plain = array.view(np.uint8) if array.dtype == np.bool_ else array
        plain = np.ascontiguousarray(plain, dtype=plain.dtype.newbyteorder("="))
        offset = self._offset
        padding = -plain.nbytes % _ALIGNMENT
        write_all(self._descriptor, plain.reshape(-1).data)
        write_all(self._descriptor, bytes(padding))
        self._offset += plain.nbytes + padding
        return {"offset": offset, "type": plain.dtype.name, "shape": list(plain.shape)}


class Reader:
    """The client's side. What it gives are views of the memory, which lives as long as they do; writing to them copies."""

    def __init__(self, descriptor: int, *, most: int) -> None:
        """Take over what was written; the decoder's child has ended, and nothing can change it any more."""
        _seal(descriptor)
        self._size = os.fstat(descriptor).st_size
        if self._size > most:
            raise Untrustworthy("more memory than allowed")
        protection = mmap.PROT_READ | mmap.PROT_WRITE
        self._mapping = (
            mmap.mmap(descriptor, self._size, flags=mmap.MAP_PRIVATE, prot=protection) if self._size else b""
        )

    def bytes_of(self, place: Any) -> bytes:
        """Return a file by its offset and length."""
        if not (isinstance(place, list) and len(place) == 2):
            raise Untrustworthy("a place is an offset and a length")
        offset, length = (integer(value, 0, self._size) for value in place)
        if offset + length > self._size:
            raise Untrustworthy("a file beyond the end")
        return bytes(self._mapping[offset : offset + length])

    def array(self, described: Any, *, dimensions: int) -> NDArray[np.generic]:
        """Return an array of so many dimensions, none of them empty."""
        if not (isinstance(described, dict) and described.keys() == {"offset", "type", "shape"}):
            raise Untrustworthy("an array has offset, type and shape")
        dtype, shape = _TYPES.get(text(described["type"])), described["shape"]
        if dtype is None or not (isinstance(shape, list) and len(shape) == dimensions):
            raise Untrustworthy("another type or shape")
        sides = [integer(side, 1, self._size) for side in shape]
        offset = integer(described["offset"], 0, self._size)
        if offset % _ALIGNMENT or offset + prod(sides) * dtype.itemsize > self._size:
            raise Untrustworthy("an array beyond the end")
        found: NDArray[np.generic] = np.frombuffer(self._mapping, dtype, prod(sides), offset).reshape(sides)
        return found


def integer(value: Any, low: int, high: int) -> int:
    """Require a whole number from `low` to `high`."""
    if type(value) is not int or not low <= value <= high:
        raise Untrustworthy("a number out of range")
    return value


def text(value: Any, longest: int = 200) -> str:
    """Require a text that is not too long."""
    if not isinstance(value, str) or len(value) > longest:
        raise Untrustworthy("no text, or a long one")
    return value


def _seal(descriptor: int) -> None:
    """Let nobody change the memory any more, not even somebody who still has it open."""
    if sys.platform != "linux":
        return
    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
    try:
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    except OSError as error:
        raise Untrustworthy("memory that is still in use") from error
