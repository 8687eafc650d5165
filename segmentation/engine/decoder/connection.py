"""Connection of a client to the decoder process: starts the process, sends requests, and receives and validates answers."""

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
from segmentation.engine.decoder.memory import InvalidAnswer, Reader, open_memory
from segmentation.engine.exceptions import ChildFailed, gettext_noop
from segmentation.engine.imaging import Limits
from segmentation.engine.sandbox.limits import Allowance

logger = logging.getLogger(__name__)

PROGRAM = "from segmentation.engine.decoder.server import main; main()"

_ROOT = str(Path(segmentation.__file__).resolve().parents[1])
_MAX_ANSWER_BYTES = 1 << 16  # arrays and files are in shared memory
_MAX_EXIT_STATUS_BYTES = 100
_MAX_ATTEMPTS = 3
_MAX_RENDITION_BYTES = 20_000_000  # in addition to those of their pixels
CRASHED = gettext_noop("The computation crashed.")
_OUT_OF_MEMORY = gettext_noop("The computer ran out of memory. Try again later, or with a smaller picture.")


class DecoderLost(Exception):
    """Raised when the decoder process ends before its child does, or cannot start a child."""


class Connection:
    """A decoder process, which is started at the first request, and again after it has ended.

    Several threads may send requests at the same time, and so may forked processes, over the connection that they inherit.
    """

    def __init__(self, program: str = PROGRAM) -> None:
        self._program = program
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._pid = 0
        self._owner = 0  # the process that has started it

    def open(self) -> socket.socket:
        """Start the process unless it runs, without waiting until it is ready, and return its control socket."""
        with self._lock:
            if self._control is None or _is_closed(self._control):
                self._close()
                self._start()
            assert self._control is not None  # noqa: S101 - for the type checker
            return self._control

    def close(self) -> None:
        """Kill the process."""
        with self._lock:
            self._close()

    def ask(
        self, request: dict[str, Any], file: int, *, allowance: Allowance, max_output: int
    ) -> tuple[dict[str, Any], Reader]:
        """Send a request for an open file, and return the answer of the child and the shared memory that it has written.

        Raises
        ------
        ChildFailed
            With `deadline`, `out_of_memory`, `crashed` or `internal_error`.
        Refusal
            As the child has sent it.
        InvalidAnswer
            When the answer is not valid.
        """
        for _ in range(_MAX_ATTEMPTS):
            with contextlib.suppress(DecoderLost), open_memory() as memory:
                answer, status = self._exchange(request, file, memory, allowance)
                return _result(answer, status), Reader(memory, max_output=max_output)
        logger.error("The decoder process does not start, or was killed %s times.", _MAX_ATTEMPTS)
        raise ChildFailed("crashed", CRASHED)

    def _exchange(
        self, request: dict[str, Any], file: int, memory: int, allowance: Allowance
    ) -> tuple[bytes, list[Any]]:
        """Send a request, and return the answer of the child with its exit status, the result of `_receive`."""
        answer, child_answer = socket.socketpair()
        end, child_end = socket.socketpair()
        with answer, end, child_answer, child_end:
            answer.sendall(json.dumps(request).encode())
            control = self.open()
            try:
                message = server.WITH_HEIC if request["limits"]["heic"] else server.WITHOUT_HEIC
                socket.send_fds(control, [message], [child_answer.fileno(), child_end.fileno(), file, memory])
            except OSError as error:
                raise DecoderLost from error
            child_answer.close()
            child_end.close()
            return _receive(answer, end, deadline=time.monotonic() + allowance.seconds)

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
                setpgroup=0,  # signals to the process group of the client do not reach it
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
    """Log which means of confinement the kernel lacks."""
    lacking = confinement.missing()
    if lacking:
        logger.warning(
            "The kernel does not offer %s: code that takes over a decoder has the rights of this user. See SECURITY.md.",
            " and ".join(lacking),
        )


def max_output_of(limits: Limits) -> int:
    """Return the largest number of bytes that an operation writes to shared memory."""
    return limits.decoded_bytes + 5 * limits.pixels + _MAX_RENDITION_BYTES


def _environment() -> dict[str, str]:
    """Return the environment of the decoder process: the path of libraries, and BLAS without threads, since it forks."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8", **kept}


def _is_closed(control: socket.socket) -> bool:
    """Return whether the process at the other end of the control socket has ended; it never writes to this socket."""
    try:
        return not control.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True


def _receive(answer: socket.socket, end: socket.socket, *, deadline: float) -> tuple[bytes, list[Any]]:
    """Return the answer of the child, and its exit status as [exit code, processor seconds].

    Raises
    ------
    DecoderLost
        When the decoder process ends first.
    ChildFailed
        With `deadline` when the child has not ended in time.
    """
    received = bytearray()
    sockets = [answer, end]
    while True:
        ready = wait(sockets, timeout=max(0.0, deadline - time.monotonic()))
        if answer in ready and not _receive_available(answer, received):
            sockets.remove(answer)
        if end in ready:
            status = _receive_exit_status(end)
            while answer in sockets and _receive_available(answer, received):
                pass
            if not status:
                raise DecoderLost
            return bytes(received), json.loads(status)
        if not ready:
            raise ChildFailed("deadline", gettext_noop("It took longer than this site allows."))


def _receive_available(answer: socket.socket, received: bytearray) -> bool:
    """Append the bytes that have arrived, and return whether more may follow at once."""
    try:
        data = answer.recv(_MAX_ANSWER_BYTES, socket.MSG_DONTWAIT)
    except (BlockingIOError, ConnectionError):
        return False
    received += data
    if len(received) > _MAX_ANSWER_BYTES:
        raise InvalidAnswer("an answer above the limit")
    return bool(data)


def _receive_exit_status(end: socket.socket) -> bytes:
    """Return the exit status of the child as JSON; empty when the decoder process itself has ended."""
    try:
        return end.recv(_MAX_EXIT_STATUS_BYTES)
    except ConnectionError:
        return b""


def _result(received: bytes, status: list[Any]) -> dict[str, Any]:
    """Return the result in the answer of a child, or raise its error."""
    exit_code, seconds = status
    if exit_code:
        raise _failure(exit_code, seconds)
    try:
        answer = json.loads(received, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidAnswer("invalid JSON") from error
    match answer:
        case {"result": dict() as result}:
            return result
        case {"refusal": refusal}:
            raise answers.unpack_refusal(refusal)
        case {"out_of_memory": True}:
            raise ChildFailed("out_of_memory", gettext_noop("It needs more memory than this site allows."))
        case {"bug": str() as formatted_traceback}:
            raise _bug(formatted_traceback)
    raise InvalidAnswer("an answer of no known kind")


def _failure(exit_code: int, seconds: float) -> ChildFailed:
    """Return the error for a child that ended without an answer."""
    if exit_code == -signal.SIGXCPU:
        return ChildFailed("deadline", gettext_noop("It took longer than this site allows."))
    if exit_code == -signal.SIGKILL:
        return ChildFailed("out_of_memory", _OUT_OF_MEMORY)
    logger.error("A decoder has ended with exit code %s after %.1f s.", exit_code, seconds)
    return ChildFailed("crashed", CRASHED)


def _bug(formatted_traceback: str) -> ChildFailed:
    """Log a traceback, each line marked as text from a decoder, and return an error that tells people its reference."""
    reference = uuid.uuid4().hex[:8]
    lines = ("".join(letter for letter in line if letter.isprintable()) for line in formatted_traceback.splitlines())
    logger.error("Reference %s: an error in a decoder.\n%s", reference, "\n".join(f"  | {line}" for line in lines))
    return ChildFailed(
        "internal_error",
        gettext_noop("An internal error occurred. Give the administrators of this site the reference %(reference)s."),
        reference=reference,
    )


def _refuse_constant(_constant: str) -> None:
    raise ValueError("NaN and infinity are not valid JSON.")
