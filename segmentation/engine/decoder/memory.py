"""Shared memory through which arrays and files pass from the decoder to its client.

The decoder writes them one after the other, and sends offset, dtype and shape in its answer; the client checks these against the
size of the memory.
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


class InvalidAnswer(Exception):
    """Raised for an answer of the decoder that is not valid."""


@contextlib.contextmanager
def open_memory(content: bytes = b"") -> Iterator[int]:
    """Return a context with the descriptor of a new file without a name; on Linux it is in memory and can be sealed."""
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
    """Write all bytes to a descriptor, in several steps if need be."""
    rest = memoryview(content).cast("B") if len(content) else memoryview(b"")
    while rest:
        rest = rest[os.write(descriptor, rest) :]


class Writer:
    """Writes to shared memory, in the child of the decoder."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._offset = 0

    def put_bytes(self, content: bytes) -> list[int]:
        """Write a file, and return its offset and length."""
        offset = self._offset
        write_all(self._descriptor, content)
        padding = -len(content) % _ALIGNMENT
        write_all(self._descriptor, bytes(padding))
        self._offset += len(content) + padding
        return [offset, len(content)]

    def put_array(self, array: NDArray[np.generic]) -> dict[str, Any]:
        """Write an array, bool as uint8, and return its description for `Reader.array`."""
        plain = array.view(np.uint8) if array.dtype == np.bool_ else array
        plain = np.ascontiguousarray(plain, dtype=plain.dtype.newbyteorder("="))
        offset = self._offset
        padding = -plain.nbytes % _ALIGNMENT
        write_all(self._descriptor, plain.reshape(-1).data)
        write_all(self._descriptor, bytes(padding))
        self._offset += plain.nbytes + padding
        return {"offset": offset, "type": plain.dtype.name, "shape": list(plain.shape)}


class Reader:
    """Reads shared memory, in the client. Arrays are views of the memory, of which a page is copied when it is written to."""

    def __init__(self, descriptor: int, *, max_output: int) -> None:
        """Seal and map the memory, after the child that has written it ended."""
        _seal(descriptor)
        self._size = os.fstat(descriptor).st_size
        if self._size > max_output:
            raise InvalidAnswer("more output than allowed")
        protection = mmap.PROT_READ | mmap.PROT_WRITE
        self._mapping = (
            mmap.mmap(descriptor, self._size, flags=mmap.MAP_PRIVATE, prot=protection) if self._size else b""
        )

    def bytes_of(self, location: Any) -> bytes:
        """Return the file at a location, which must be a list of offset and length."""
        if not (isinstance(location, list) and len(location) == 2):
            raise InvalidAnswer("an invalid location of a file")
        offset, length = (integer(value, 0, self._size) for value in location)
        if offset + length > self._size:
            raise InvalidAnswer("a file beyond the end")
        return bytes(self._mapping[offset : offset + length])

    def array(self, description: Any, *, dimensions: int) -> NDArray[np.generic]:
        """Return the array of a description; it must have this number of dimensions, none of length 0."""
        if not (isinstance(description, dict) and description.keys() == {"offset", "type", "shape"}):
            raise InvalidAnswer("an invalid description of an array")
        dtype, shape = _TYPES.get(text(description["type"])), description["shape"]
        if dtype is None or not (isinstance(shape, list) and len(shape) == dimensions):
            raise InvalidAnswer("an array of an unexpected dtype or shape")
        sides = [integer(side, 1, self._size) for side in shape]
        offset = integer(description["offset"], 0, self._size)
        if offset % _ALIGNMENT or offset + prod(sides) * dtype.itemsize > self._size:
            raise InvalidAnswer("an array beyond the end")
        array: NDArray[np.generic] = np.frombuffer(self._mapping, dtype, prod(sides), offset).reshape(sides)
        return array


def integer(value: Any, low: int, high: int) -> int:
    """Return a value that must be an integer from `low` to `high`."""
    if type(value) is not int or not low <= value <= high:
        raise InvalidAnswer("a number out of range")
    return value


def text(value: Any, max_length: int = 200) -> str:
    """Return a value that must be text of at most `max_length` characters."""
    if not isinstance(value, str) or len(value) > max_length:
        raise InvalidAnswer("an invalid text")
    return value


def _seal(descriptor: int) -> None:
    """Seal the memory, so that no process can change it any more, not even one that still has it open."""
    if sys.platform != "linux":
        return
    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SEAL
    try:
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    except OSError as error:
        raise InvalidAnswer("memory that is still in use") from error
