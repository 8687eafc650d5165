"""What a child says to its parent, and what the parent makes of it.

The child sends any number of progress messages and at most one last word: its result, a domain error, that memory ran out,
or the traceback of a bug. A child that ends without a last word was killed or has crashed. Messages are pickled; both
ends are processes of ours.
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
_PIECE = 1 << 16

Report = Callable[[Any], None]
"""Sends a picklable value to the parent while the call goes on."""


class ChildLost(Exception):
    """The child was killed from outside, most likely because the machine ran out of memory; it says nothing of the call."""


class Word(StrEnum):
    """What a message is."""

    PROGRESS = "progress"
    RESULT = "result"
    ERROR = "error"
    OUT_OF_MEMORY = "out_of_memory"
    BUG = "bug"


def perform(connection: Connection, function: Callable[[Report], Any], allowance: Allowance, *, parent: int) -> None:
    """Call `function` inside the child under its limits, and say how it went.

    Ctrl-C reaches all processes of a terminal: what becomes of the child is the parent's decision.
    """
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent(parent)
    try:
        limit_memory(allowance.memory)
        _say(connection, Word.RESULT, function(lambda value: _say(connection, Word.PROGRESS, value)))
    except MemoryError:
        lift_memory_limit()
        _say(connection, Word.OUT_OF_MEMORY)
    except SegmentationError as error:
        _say(connection, Word.ERROR, error)
    except BaseException:  # noqa: BLE001 - the parent logs it; the child must not run on into its parent's code
        lift_memory_limit()
        _say(connection, Word.BUG, traceback.format_exc())


def _say(connection: Connection, word: Word, value: Any = None) -> None:
    try:
        connection.send((word, value))
    except BrokenPipeError:
        os._exit(1)  # nobody listens any more


class Conversation:
    """The parent's end: reads what the child says without waiting for it, not even for the rest of what it has begun to say."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.progress: Any = None  # the newest value that the child has reported
        self._last: tuple[Word, Any] | None = None
        self._heard = bytearray()  # the beginning of a message
        os.set_blocking(connection.fileno(), False)

    def listen(self) -> None:
        """Take in all that has been said."""
        if self.connection.closed:
            return
        try:
            while piece := os.read(self.connection.fileno(), _PIECE):
                self._heard += piece
        except BlockingIOError:
            self._understand()
        else:
            self._understand()
            self.connection.close()

    def _understand(self) -> None:
        """Take the messages out of what was heard: each is its length, as `Connection.send` writes it, and a pickle."""
        while len(self._heard) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._heard)[0]
            if len(self._heard) < end:
                return
            word, value = pickle.loads(memoryview(self._heard)[_LENGTH.size : end].tobytes())  # noqa: S301 - from our own child
            del self._heard[:end]
            if word is Word.PROGRESS:
                self.progress = value
            else:
                self._last = (Word.ERROR, _as_error(value)) if word is Word.BUG else (word, value)

    def result(self, *, exit_code: int, overdue: bool) -> Any:
        """Return what the call returned; for a child that has ended.

        Parameters
        ----------
        exit_code : int
            As of the process; negative for the signal that ended it.
        overdue : bool
            Whether the parent has killed it at its deadline.

        Raises
        ------
        SegmentationError
            The one of the child; or `ChildFailed` with `out_of_memory`, `deadline`, `crashed` or `internal_error`.
        ChildLost
            When somebody else has killed it.
        """
        if self._last is not None:
            return _unpack(*self._last)
        if overdue:
            raise ChildFailed("deadline", gettext_noop("It took longer than this site allows."))
        if exit_code == -signal.SIGKILL:
            raise ChildLost
        logger.error("A child process ended without a word; exit code %s.", exit_code)
        raise ChildFailed("crashed", gettext_noop("The computation crashed."))


def _unpack(word: Word, value: Any) -> Any:
    if word is Word.ERROR:
        raise value
    if word is Word.OUT_OF_MEMORY:
        raise ChildFailed("out_of_memory", gettext_noop("It needs more memory than this site allows."))
    return value


def _as_error(written: str) -> ChildFailed:
    """Log the traceback of a bug for the keepers of the site, and give people a reference to it."""
    reference = uuid.uuid4().hex[:8]
    logger.error("Reference %s: an error in a child process.\n%s", reference, written)
    return ChildFailed(
        "internal_error",
        gettext_noop("An internal error occurred. Give the administrators of this site the reference %(reference)s."),
        reference=reference,
    )
