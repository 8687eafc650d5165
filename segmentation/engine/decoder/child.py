"""One request as the decoder's child sees it: it is limited, then confined, and then reads foreign bytes."""

import json
import os
import resource
import signal
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from segmentation.engine.decoder.answers import pack_refusal
from segmentation.engine.decoder.budget import processor_seconds
from segmentation.engine.decoder.confinement import confine
from segmentation.engine.decoder.memory import Writer, write_all
from segmentation.engine.exceptions import Refusal
from segmentation.engine.imaging import Header, Limits
from segmentation.engine.imaging.admission import decoded_bytes
from segmentation.engine.recipe import Reading
from segmentation.engine.sandbox.limits import end_with_parent, lift_memory_limit, limit_memory, most_descriptors

_LONGEST_REQUEST = 1 << 16
_LONGEST_TRACEBACK = 20_000
_RESERVE = 16_000_000  # bytes: what it takes to say that memory ran out
_STANDARD = 3  # descriptors


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client asks for."""

    operation: str
    name: str  # of the file, as people know it
    limits: Limits
    reading: Reading
    memory: int  # bytes that the child may take
    patience: int  # times the usual budget of processor seconds
    output: int  # bytes that it may write

    @classmethod
    def from_json(cls, written: bytes) -> "Request":
        values = json.loads(written)
        limits, reading = Limits(**values["limits"]), Reading.from_mapping(values["reading"])
        return cls(**values | {"limits": limits, "reading": reading})


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What an operation gets."""

    data: bytes  # the file
    name: str
    limits: Limits
    reading: Reading  # of a picture
    on_header: Callable[[Header], None]  # to be called as soon as the size of the picture is known
    writer: Writer


Operation = Callable[[Work], dict[str, Any]]
"""Reads a file, writes what is large to memory, and returns the rest as JSON values. Raises `Refusal`."""


def live(descriptors: tuple[int, int, int], operations: Mapping[str, Operation], *, parent: int) -> NoReturn:
    """Do what the request on the first descriptor says, answer there, and end."""
    _keep(*descriptors)
    answer, file, memory = descriptors
    end_with_parent(parent)
    request = Request.from_json(os.read(answer, _LONGEST_REQUEST))
    said = _said(request, operations, file, memory)
    write_all(answer, json.dumps(said, allow_nan=False).encode())
    os._exit(0)


def _said(request: Request, operations: Mapping[str, Operation], file: int, memory: int) -> dict[str, Any]:
    try:
        size = os.fstat(file).st_size
        budget = _Budget(size, request)
        _limit(request)
        confine()
        data = os.pread(file, min(size, request.limits.bytes + 1), 0)  # one more than allowed is enough to be refused
        work = Work(
            data=data,
            name=request.name,
            limits=request.limits,
            reading=request.reading,
            on_header=budget.widen,
            writer=Writer(memory),
        )
        return {"result": operations[request.operation](work)}
    except MemoryError:
        lift_memory_limit()
        return {"out_of_memory": True}
    except Refusal as refusal:
        return {"refusal": pack_refusal(refusal)}
    except Exception:  # noqa: BLE001 - the client logs it
        lift_memory_limit()
        return {"bug": traceback.format_exc()[-_LONGEST_TRACEBACK:]}


class _Budget:
    """Ends the child (SIGXCPU) when it has computed for longer than its file deserves."""

    def __init__(self, size: int, request: Request) -> None:
        self._size, self._patience, limits = size, request.patience, request.limits
        self._most = self._seconds(pixels=limits.pixels, decoded_bytes=limits.decoded_bytes)
        self._set(self._seconds())

    def widen(self, header: Header) -> None:
        self._set(self._seconds(pixels=header.width * header.height, decoded_bytes=decoded_bytes(header)))

    def _seconds(self, **known: int) -> int:
        return self._patience * processor_seconds(size=self._size, **known)

    def _set(self, seconds: int) -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (min(seconds, self._most), self._most + 1))


def _limit(request: Request) -> None:
    limit_memory(request.memory)
    soft, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, soft + _RESERVE))
    resource.setrlimit(resource.RLIMIT_FSIZE, (request.output, request.output))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def _keep(*descriptors: int) -> None:
    """Close all others; what is written to the standard ones goes nowhere."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(_STANDARD):
        os.dup2(nothing, standard)
    first = _STANDARD
    for descriptor in sorted(descriptors):
        os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, most_descriptors())
