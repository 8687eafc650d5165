"""Functions that decode files in the decoder process. A file is given as bytes, or as an open file with a descriptor."""

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
    max_output_of,
    warn_of_missing_confinement,
)
from segmentation.engine.decoder.memory import InvalidAnswer, open_memory
from segmentation.engine.exceptions import ChildFailed
from segmentation.engine.imaging import Inspection, Limits, MaskMaster, Picture
from segmentation.engine.imaging.calibration import with_registered_crs
from segmentation.engine.recipe import Reading
from segmentation.engine.sandbox import Allowance

T = TypeVar("T")

DEFAULT_ALLOWANCE = Allowance(memory=2_000_000_000, seconds=120.0)
"""Memory and time for a file, in addition to the budget of processor seconds; the largest pictures need half of the memory."""

_ADMITTED_FACTOR = 2  # budget for files that were decoded before, which must also be possible on a slower machine
_connection = Connection()


def start() -> None:
    """Start the decoder process ahead of the first file, and log which means of confinement the kernel lacks."""
    warn_of_missing_confinement()
    ensure_started()


def ensure_started() -> None:
    """Start the decoder process unless it runs; processes that are forked later share it."""
    _connection.open()


def decode(
    data: bytes | IO[bytes],
    *,
    name: str,
    limits: Limits,
    reading: Reading = Reading(),  # noqa: B008 - frozen
    allowance: Allowance = DEFAULT_ALLOWANCE,
) -> Picture:
    """Return the decoded picture of a file that has been inspected before.

    Parameters
    ----------
    data : bytes or open binary file
    name, limits, reading
        As for `imaging.decode`.
    allowance : Allowance
        Memory and seconds that the decoder may take.

    Raises
    ------
    Refusal
        With the codes of `imaging.decode`.
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
        budget_factor=_ADMITTED_FACTOR,
    )
    return with_registered_crs(picture)


def read_mask(
    data: bytes | IO[bytes], *, name: str, limits: Limits, allowance: Allowance = DEFAULT_ALLOWANCE
) -> NDArray[np.bool_]:
    """Return which pixels (H, W) a mask leaves out, of a file that has been inspected before; parameters and errors as for `decode`."""
    return _ask(
        "mask", data, name, limits, allowance=allowance, unpack=answers.unpack_mask, budget_factor=_ADMITTED_FACTOR
    )


def inspect(
    data: bytes | IO[bytes],
    *,
    name: str,
    limits: Limits,
    reading: Reading = Reading(),  # noqa: B008 - frozen
    allowance: Allowance = DEFAULT_ALLOWANCE,
) -> Inspection:
    """Return the properties and renditions of an uploaded picture; parameters and errors as for `decode`."""
    inspection = _ask(
        "inspection", data, name, limits, reading=reading, allowance=allowance, unpack=answers.unpack_inspection
    )
    return with_registered_crs(inspection)


def inspect_mask(
    data: bytes | IO[bytes], *, name: str, limits: Limits, allowance: Allowance = DEFAULT_ALLOWANCE
) -> MaskMaster:
    """Return an uploaded mask re-encoded for storage; parameters and errors as for `decode`."""
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
    budget_factor: int = 1,
) -> T:
    max_output = max_output_of(limits)
    request = {
        "operation": operation,
        "name": name,
        "limits": asdict(limits),
        "reading": reading.to_mapping(),
        "memory": allowance.memory,
        "budget_factor": budget_factor,
        "max_output": max_output,
    }
    try:
        with _opened(data) as file:
            answer, reader = _connection.ask(request, file, allowance=allowance, max_output=max_output)
        return unpack(answer, reader, limits)
    except InvalidAnswer as error:
        logger.error("A decoder has sent an invalid answer (%s): a file may have taken it over.", error)
        raise ChildFailed("crashed", CRASHED) from error


@contextlib.contextmanager
def _opened(data: bytes | IO[bytes]) -> Iterator[int]:
    if isinstance(data, bytes):
        with open_memory(data) as descriptor:
            yield descriptor
    else:
        yield data.fileno()
