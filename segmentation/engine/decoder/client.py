"""What the decoder does, as functions. Files are bytes, or open files with a descriptor."""

import contextlib
from collections.abc import Iterator
from dataclasses import asdict
from typing import IO, TypeVar

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.decoder import answers
from segmentation.engine.decoder.connection import (
    CRASHED,
    Connection,
    logger,
    most_output,
    warn_of_missing_confinement,
)
from segmentation.engine.decoder.memory import Untrustworthy, open_memory
from segmentation.engine.exceptions import ChildFailed
from segmentation.engine.imaging import Inspection, Limits, MaskMaster, Picture
from segmentation.engine.imaging.calibration import with_registered_crs
from segmentation.engine.recipe import Reading
from segmentation.engine.sandbox import Allowance

T = TypeVar("T")

USUAL = Allowance(memory=2_000_000_000, seconds=120.0)
"""What a file may take beside its budget of processor seconds; the largest pictures need half of the memory."""

_AGAIN = 2  # times the budget: what was admitted once is to be read again, on a slower machine, too
_connection = Connection()


def start() -> None:
    """Start the decoder process, so that the first file need not wait for it, and log what the kernel does not offer."""
    warn_of_missing_confinement()
    warm()


def warm() -> None:
    """Start the decoder process, if it does not run; children that are forked later share it."""
    _connection.open()


def decode(
    data: bytes | IO[bytes],
    *,
    name: str,
    limits: Limits,
    reading: Reading = Reading(),  # noqa: B008 - frozen
    allowance: Allowance = USUAL,
) -> Picture:
    """Decode a picture that was admitted before; as `imaging.decode`.

    Raises
    ------
    Refusal
        As the decoder has said it.
    ChildFailed
        With `deadline`, `out_of_memory`, `crashed` or `internal_error`.
    """
    picture = _ask(
        "picture",
        data,
        name,
        limits,
        reading=reading,
        allowance=allowance,
        unpack=answers.unpack_picture,
        patience=_AGAIN,
    )
    return with_registered_crs(picture)


def read_mask(data: bytes | IO[bytes], *, name: str, limits: Limits, allowance: Allowance = USUAL) -> NDArray[np.bool_]:
    """Read a mask that was admitted before; as `imaging.masks.read`, and raises as `decode`."""
    return _ask("mask", data, name, limits, allowance=allowance, unpack=answers.unpack_mask, patience=_AGAIN)


def inspect(
    data: bytes | IO[bytes],
    *,
    name: str,
    limits: Limits,
    reading: Reading = Reading(),  # noqa: B008 - frozen
    allowance: Allowance = USUAL,
) -> Inspection:
    """Look at an uploaded picture; as `imaging.inspect`, and raises as `decode`."""
    inspection = _ask(
        "inspection", data, name, limits, reading=reading, allowance=allowance, unpack=answers.unpack_inspection
    )
    return with_registered_crs(inspection)


def inspect_mask(data: bytes | IO[bytes], *, name: str, limits: Limits, allowance: Allowance = USUAL) -> MaskMaster:
    """Look at an uploaded mask; as `imaging.masks.master`, and raises as `decode`."""
    return _ask("mask_master", data, name, limits, allowance=allowance, unpack=answers.unpack_mask_master)


def _ask(
    operation: str,
    data: bytes | IO[bytes],
    name: str,
    limits: Limits,
    *,
    allowance: Allowance,
    unpack: answers.Unpack[T],
    reading: Reading = Reading(),  # noqa: B008 - frozen
    patience: int = 1,
) -> T:
    most = most_output(limits)
    request = {
        "operation": operation,
        "name": name,
        "limits": asdict(limits),
        "reading": reading.to_mapping(),
        "memory": allowance.memory,
        "patience": patience,
        "output": most,
    }
    try:
        with _opened(data) as file:
            answer, reader = _connection.ask(request, file, allowance=allowance, most=most)
        return unpack(answer, reader, limits)
    except Untrustworthy as error:
        logger.error("A decoder has answered %s: a file may have taken it over.", error)
        raise ChildFailed("crashed", CRASHED) from error


@contextlib.contextmanager
def _opened(data: bytes | IO[bytes]) -> Iterator[int]:
    if isinstance(data, bytes):
        with open_memory(data) as descriptor:
            yield descriptor
    else:
        yield data.fileno()
