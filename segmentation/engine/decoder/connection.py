"""The client's side: starts the decoder process, asks it, and believes nothing of what comes back."""

import contextlib
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
import uuid
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import segmentation
from segmentation.engine.decoder import answers, confinement, server
from segmentation.engine.decoder.memory import Reader, Untrustworthy, open_memory
from segmentation.engine.exceptions import ChildFailed, gettext_noop
from segmentation.engine.imaging import Limits
from segmentation.engine.sandbox.limits import Allowance

logger = logging.getLogger(__name__)

PROGRAM = "from segmentation.engine.decoder.server import main; main()"

_ROOT = str(Path(segmentation.__file__).resolve().parents[1])
_LONGEST_ANSWER = 1 << 16  # bytes; arrays and files go through memory
_LONGEST_VERDICT = 100
_TRIES = 3
_RENDITIONS = 20_000_000  # bytes that they may take beyond those of their pixels
CRASHED = gettext_noop("The computation crashed.")
_OUT_OF_MEMORY = gettext_noop("The computer ran out of memory. Try again later, or with a smaller picture.")


class Lost(Exception):
    """The decoder process has ended before the child was done, or could start none."""


class Connection:
    """A decoder process, started when it is first needed and again when it has ended.

    Threads may ask at the same time, and a forked process asks over the connection that it has inherited.
    """

    def __init__(self, program: str = PROGRAM) -> None:
        self._program = program
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._pid = 0
        self._owner = 0  # the process that has started it

    def open(self) -> socket.socket:
        """Start the process if it does not run; does not wait until it is ready."""
        with self._lock:
            if self._control is None or _is_closed(self._control):
                self._close()
                self._start()
            assert self._control is not None  # noqa: S101 - for the type checker
            return self._control

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._close()

    def ask(
        self, request: dict[str, Any], file: int, *, allowance: Allowance, most: int
    ) -> tuple[dict[str, Any], Reader]:
        """Return the answer of a child, and the memory it has written.

        Raises
        ------
        ChildFailed
            With `deadline`, `out_of_memory`, `crashed` or `internal_error`.
        Refusal
            As the child has said it.
        Untrustworthy
            When the answer has not the agreed form.
        """
        for _ in range(_TRIES):
            with contextlib.suppress(Lost), open_memory() as memory:
                said = self._converse(request, file, memory, allowance)
                return _result(said), Reader(memory, most=most)
        logger.error("The decoder process does not start, or was killed %s times.", _TRIES)
        raise ChildFailed("crashed", CRASHED)

    def _converse(self, request: dict[str, Any], file: int, memory: int, allowance: Allowance) -> Any:
        answer, answers_here = socket.socketpair()
        end, ends_here = socket.socketpair()
        with answer, end, answers_here, ends_here:
            answer.sendall(json.dumps(request).encode())
            control = self.open()
            try:
                word = server.WITH_HEIC if request["limits"]["heic"] else server.WITHOUT_HEIC
                socket.send_fds(control, [word], [answers_here.fileno(), ends_here.fileno(), file, memory])
            except OSError as error:
                raise Lost from error
            answers_here.close()
            ends_here.close()
            return _listen(answer, end, deadline=time.monotonic() + allowance.seconds)

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            paths = [_ROOT, *(path for path in sys.path if path and path != _ROOT)]
            program = (
                f"import sys; sys.path += [path for path in sys.argv[1:] if path not in sys.path]; {self._program}"
            )
            self._pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-I", "-c", program, *paths],
                _environment(),
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_DUP2, theirs.fileno(), server.CONTROL),
                ],
                setpgroup=0,  # what is sent to our group is not for it
                setsigmask=(),
                setsigdef=(signal.SIGXCPU, signal.SIGCHLD),
            )
        self._control, self._owner = ours, os.getpid()

    def _close(self) -> None:
        if self._control is None:
            return
        self._control.close()
        self._control = None
        if self._owner == os.getpid():
            with contextlib.suppress(ProcessLookupError, ChildProcessError):
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)


def warn_of_missing_confinement() -> None:
    """Log which confinement the kernel does not offer."""
    lacking = confinement.missing()
    if lacking:
        logger.warning(
            "The kernel does not offer %s: code that takes over a decoder has the rights of this user. See SECURITY.md.",
            " and ".join(lacking),
        )


def most_output(limits: Limits) -> int:
    """Return how many bytes the answers to any operation take at most."""
    return limits.decoded_bytes + 5 * limits.pixels + _RENDITIONS


def _environment() -> dict[str, str]:
    """Nothing of ours but where libraries are; its BLAS must not start threads, since it forks."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8", **kept}


def _is_closed(control: socket.socket) -> bool:
    """Whether the process at the other end has ended; it never says anything there."""
    try:
        return not control.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _listen(answer: socket.socket, end: socket.socket, *, deadline: float) -> tuple[bytes, list[Any]]:
    """Return what the child says until it has ended, and how it has."""
    heard = bytearray()
    speaking = [answer, end]
    while True:
        patience = deadline - time.monotonic()
        ready = wait(speaking, timeout=max(0.0, patience))
        if answer in ready and not _hear(answer, heard):
            speaking.remove(answer)
        if end in ready:
            verdict = _last_word(end)
            while answer in speaking and _hear(answer, heard):
                pass
            if not verdict:
                raise Lost
            return bytes(heard), json.loads(verdict)
        if not ready:
            raise ChildFailed("deadline", gettext_noop("It took longer than this site allows."))


def _hear(answer: socket.socket, heard: bytearray) -> bool:
    """Take in what can be read at once; returns whether there may be more."""
    try:
        piece = answer.recv(_LONGEST_ANSWER, socket.MSG_DONTWAIT)
    except (BlockingIOError, ConnectionError):
        return False
    heard += piece
    if len(heard) > _LONGEST_ANSWER:
        raise Untrustworthy("a long answer")
    return bool(piece)


def _last_word(end: socket.socket) -> bytes:
    """Return how the server says that the child has ended; nothing when the server itself has."""
    try:
        return end.recv(_LONGEST_VERDICT)
    except ConnectionError:
        return b""


def _result(said: tuple[bytes, list[Any]]) -> dict[str, Any]:
    """Return what the child has answered, or raise what became of it."""
    heard, (exit_code, seconds) = said
    if exit_code:
        raise _failure(exit_code, seconds)
    try:
        answer = json.loads(heard, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise Untrustworthy("no JSON") from error
    match answer:
        case {"result": dict() as result}:
            return result
        case {"refusal": refusal}:
            raise answers.unpack_refusal(refusal)
        case {"out_of_memory": True}:
            raise ChildFailed("out_of_memory", gettext_noop("It needs more memory than this site allows."))
        case {"bug": str() as written}:
            raise _bug(written)
    raise Untrustworthy("no answer")


def _failure(exit_code: int, seconds: float) -> ChildFailed:
    if exit_code == -signal.SIGXCPU:
        return ChildFailed("deadline", gettext_noop("It took longer than this site allows."))
    if exit_code == -signal.SIGKILL:
        return ChildFailed("out_of_memory", _OUT_OF_MEMORY)
    logger.error("A decoder has ended with exit code %s after %.1f s.", exit_code, seconds)
    return ChildFailed("crashed", CRASHED)


def _bug(written: str) -> ChildFailed:
    """Log the traceback, each line marked as what a decoder says, and give people a reference to it."""
    reference = uuid.uuid4().hex[:8]
    lines = ("".join(letter for letter in line if letter.isprintable()) for line in written.splitlines())
    logger.error("Reference %s: an error in a decoder.\n%s", reference, "\n".join(f"  | {line}" for line in lines))
    return ChildFailed(
        "internal_error",
        gettext_noop("An internal error occurred. Give the administrators of this site the reference %(reference)s."),
        reference=reference,
    )


def _refuse(_constant: str) -> None:
    raise ValueError("NaN and infinity are no JSON.")
