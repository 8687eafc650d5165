"""Messages from a child process to its parent.

The child sends any number of progress messages and at most one final message: its result, a domain error, that memory ran
out, or the traceback of a bug. A child that ends without a final message was killed or has crashed. Messages are pickled: both
processes run our own code only.
"""

import logging
import os
import pickle
import signal
import struct
import traceback
import uuid
from collections.abc import Callable
from enum import StrEnum
from multiprocessing.connection import Connection
from typing import Any

from segmentation.engine.exceptions import ChildFailed, SegmentationError, gettext_noop
from segmentation.engine.sandbox.limits import Allowance, end_with_parent, lift_memory_limit, limit_memory

logger = logging.getLogger(__name__)

_LENGTH = struct.Struct("!i")
_READ_BYTES = 1 << 16

Report = Callable[[Any], None]
"""Sends a picklable value to the parent as the progress of the call."""


class ChildLost(Exception):
    """Raised when another process killed the child, most likely the kernel because the machine ran out of memory."""


class MessageKind(StrEnum):
    """The kind of a message; all but `PROGRESS` are final."""

    PROGRESS = "progress"
    RESULT = "result"
    ERROR = "error"
    OUT_OF_MEMORY = "out_of_memory"
    BUG = "bug"


def run_function(
    connection: Connection, function: Callable[[Report], Any], allowance: Allowance, *, parent: int
) -> None:
    """Call a function in the child under its limits, and send its progress and result to the parent.

    SIGINT is ignored: Ctrl-C reaches all processes of a terminal, and the parent decides when the child ends.
    """
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent(parent)
    try:
        limit_memory(allowance.memory)
        _send(connection, MessageKind.RESULT, function(lambda value: _send(connection, MessageKind.PROGRESS, value)))
    except MemoryError:
        lift_memory_limit()
        _send(connection, MessageKind.OUT_OF_MEMORY)
    except SegmentationError as error:
        _send(connection, MessageKind.ERROR, error)
    except BaseException:  # noqa: BLE001 - the parent logs it; the child must not return to the code of its parent
        lift_memory_limit()
        _send(connection, MessageKind.BUG, traceback.format_exc())


def _send(connection: Connection, kind: MessageKind, value: Any = None) -> None:
    try:
        connection.send((kind, value))
    except BrokenPipeError:
        os._exit(1)  # the parent has closed its end


class ChildMessages:
    """Receives the messages of a child without ever blocking, also when only a part of a message has arrived."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.progress: Any = None  # the newest value that the child has reported
        self._final: tuple[MessageKind, Any] | None = None
        self._buffer = bytearray()  # received bytes that are not a complete message yet
        os.set_blocking(connection.fileno(), False)

    def receive(self) -> None:
        """Receive all messages that have arrived; closes the connection when the child has closed its end."""
        if self.connection.closed:
            return
        try:
            while data := os.read(self.connection.fileno(), _READ_BYTES):
                self._buffer += data
        except BlockingIOError:
            self._parse()
        else:
            self._parse()
            self.connection.close()

    def _parse(self) -> None:
        """Take the complete messages from the buffer: each is its length, as `Connection.send` writes it, and a pickle."""
        while len(self._buffer) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._buffer)[0]
            if len(self._buffer) < end:
                return
            kind, value = pickle.loads(memoryview(self._buffer)[_LENGTH.size : end].tobytes())  # noqa: S301 - from our own child
            del self._buffer[:end]
            if kind is MessageKind.PROGRESS:
                self.progress = value
            else:
                self._final = (MessageKind.ERROR, _as_error(value)) if kind is MessageKind.BUG else (kind, value)

    def result(self, *, exit_code: int, overdue: bool) -> Any:
        """Return the result of the call of a child that has ended.

        Parameters
        ----------
        exit_code : int
            Exit code of the process; negative for the signal that ended it.
        overdue : bool
            Whether the parent has killed it at its deadline.

        Raises
        ------
        SegmentationError
            As the call raised it; or `ChildFailed` with `out_of_memory`, `deadline`, `crashed` or `internal_error`.
        ChildLost
            When another process has killed the child.
        """
        if self._final is not None:
            return _unpack(*self._final)
        if overdue:
            raise ChildFailed("deadline", gettext_noop("It took longer than this site allows."))
        if exit_code == -signal.SIGKILL:
            raise ChildLost
        logger.error("A child process ended without a final message; exit code %s.", exit_code)
        raise ChildFailed("crashed", gettext_noop("The computation crashed."))


def _unpack(kind: MessageKind, value: Any) -> Any:
    """Return the result in a final message, or raise its error."""
    if kind is MessageKind.ERROR:
        raise value
    if kind is MessageKind.OUT_OF_MEMORY:
        raise ChildFailed("out_of_memory", gettext_noop("It needs more memory than this site allows."))
    return value


def _as_error(formatted_traceback: str) -> ChildFailed:
    """Log the traceback of a bug with a reference, and return an error that tells people the reference."""
    reference = uuid.uuid4().hex[:8]
    logger.error("Reference %s: an error in a child process.\n%s", reference, formatted_traceback)
    return ChildFailed(
        "internal_error",
        gettext_noop("An internal error occurred. Give the administrators of this site the reference %(reference)s."),
        reference=reference,
    )
