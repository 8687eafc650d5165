"""The child of the decoder process, which handles one request: it sets its limits, drops its privileges, and reads the file."""

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
from segmentation.engine.sandbox.limits import descriptor_limit, end_with_parent, lift_memory_limit, limit_memory

_MAX_REQUEST_BYTES = 1 << 16
_MAX_TRACEBACK = 20_000  # characters
_RESERVE_BYTES = 16_000_000  # for the answer that memory ran out
_STANDARD_DESCRIPTORS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request of a client."""

    operation: str
    name: str  # of the file
    limits: Limits
    reading: Reading
    memory: int  # bytes that the child may allocate
    budget_factor: int  # by which the budget of processor seconds is multiplied
    max_output: int  # bytes that the child may write

    @classmethod
    def from_json(cls, text: bytes) -> "Request":
        """Parse a request, which comes from our own client."""
        values = json.loads(text)
        limits, reading = Limits(**values["limits"]), Reading.from_mapping(values["reading"])
        return cls(**values | {"limits": limits, "reading": reading})


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationInput:
    """The arguments of an operation."""

    data: bytes  # the file
    name: str
    limits: Limits
    reading: Reading  # of a picture
    on_header: Callable[[Header], None]  # to be called as soon as the header has been read
    writer: Writer


Operation = Callable[[OperationInput], dict[str, Any]]
"""Reads a file, writes arrays and files to shared memory, and returns the rest as a JSON object. Raises `Refusal`."""


def handle_request(descriptors: tuple[int, int, int], operations: Mapping[str, Operation], *, parent: int) -> NoReturn:
    """Handle the request that is read from the first descriptor, write the answer to it, and exit.

    The descriptors are the socket of the client, the file, and the shared memory.
    """
    _close_other_descriptors(*descriptors)
    client, file, memory = descriptors
    end_with_parent(parent)
    request = Request.from_json(os.read(client, _MAX_REQUEST_BYTES))
    answer = _answer(request, operations, file, memory)
    write_all(client, json.dumps(answer, allow_nan=False).encode())
    os._exit(0)


def _answer(request: Request, operations: Mapping[str, Operation], file: int, memory: int) -> dict[str, Any]:
    """Perform the operation of a request, and return its result or error as a JSON object."""
    try:
        size = os.fstat(file).st_size
        budget = _ProcessorBudget(size, request)
        _set_limits(request)
        confine()
        # One byte above the limit is enough for a refusal.
        data = os.pread(file, min(size, request.limits.bytes + 1), 0)
        arguments = OperationInput(
            data=data,
            name=request.name,
            limits=request.limits,
            reading=request.reading,
            on_header=budget.widen,
            writer=Writer(memory),
        )
        return {"result": operations[request.operation](arguments)}
    except MemoryError:
        lift_memory_limit()
        return {"out_of_memory": True}
    except Refusal as refusal:
        return {"refusal": pack_refusal(refusal)}
    except Exception:  # noqa: BLE001 - the client logs it
        lift_memory_limit()
        return {"bug": traceback.format_exc()[-_MAX_TRACEBACK:]}


class _ProcessorBudget:
    """Limit of the processor seconds of the child, at which the kernel ends it with SIGXCPU."""

    def __init__(self, size: int, request: Request) -> None:
        self._size, self._budget_factor, limits = size, request.budget_factor, request.limits
        self._maximum = self._seconds(pixels=limits.pixels, decoded_bytes=limits.decoded_bytes)
        self._set(self._seconds())

    def widen(self, header: Header) -> None:
        """Raise the limit to that of a picture with this header, at most to that of the largest picture."""
        self._set(self._seconds(pixels=header.width * header.height, decoded_bytes=decoded_bytes(header)))

    def _seconds(self, **known: int) -> int:
        return self._budget_factor * processor_seconds(size=self._size, **known)

    def _set(self, seconds: int) -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (min(seconds, self._maximum), self._maximum + 1))


def _set_limits(request: Request) -> None:
    """Limit memory and output of the child."""
    limit_memory(request.memory)
    soft, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if soft != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, soft + _RESERVE_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (request.max_output, request.max_output))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def _close_other_descriptors(*descriptors: int) -> None:
    """Close all descriptors but the given ones, and redirect the standard ones to the null device."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in range(_STANDARD_DESCRIPTORS):
        os.dup2(null, standard)
    first = _STANDARD_DESCRIPTORS
    for descriptor in sorted(descriptors):
        os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, descriptor_limit())
