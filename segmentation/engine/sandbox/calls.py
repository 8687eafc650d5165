"""One call in a child of a fork server. For processes with threads, which must not fork themselves."""

import contextlib
import functools
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from typing import Any, ParamSpec, TypeVar

from segmentation.engine.exceptions import Busy, ChildFailed, gettext_noop
from segmentation.engine.sandbox.limits import Allowance
from segmentation.engine.sandbox.protocol import ChildLost, Conversation, perform

P = ParamSpec("P")
R = TypeVar("R")

PRELOAD = ["segmentation.engine.pipeline", "segmentation.engine.sandbox.calls"]
"""What children have at birth; the pipeline brings imaging and numerics along."""

BUSY_SECONDS = 10.0
_LOOK_SECONDS = 0.1
_STARTS = 3

_context = multiprocessing.get_context("forkserver")
_places = threading.BoundedSemaphore(2)
_processes = (
    threading.Lock()
)  # multiprocessing looks after all children whenever it starts one; it is not made for threads


def configure(*, children: int) -> None:
    """Allow this many calls at the same time. For the start of a process, before its first call."""
    global _places  # noqa: PLW0603 - one process has one set of places
    _places = threading.BoundedSemaphore(children)


def warm() -> None:
    """Start the fork server with the engine loaded, if it does not run, so that the first call need not wait for it."""
    with _processes:
        _start_server()


def call(function: Callable[P, R], *args: Any, allowance: Allowance, **kwargs: Any) -> R:
    """Return `function(*args, **kwargs)`, done in a child process of its own. All of them must be picklable.

    Raises
    ------
    SegmentationError
        As the function has raised it.
    ChildFailed
        With `out_of_memory`, `deadline`, `crashed` or `internal_error`.
    Busy
        When all places were taken for 10 s.
    """
    with _place():
        receiving, sending = _context.Pipe(duplex=False)
        with receiving:
            with sending:
                process = _start((sending, functools.partial(function, *args, **kwargs), allowance))
            try:
                return _result(process, Conversation(receiving), allowance)  # type: ignore[no-any-return] # pickled
            finally:
                _end(process)


@contextlib.contextmanager
def _place() -> Iterator[None]:
    places = _places
    if not places.acquire(timeout=BUSY_SECONDS):
        raise Busy("busy", gettext_noop("Many pictures are being read right now. Try again in a moment."))
    try:
        yield
    finally:
        places.release()


def _start(args: tuple[Any, ...]) -> ForkServerProcess:
    for _ in range(_STARTS - 1):
        with contextlib.suppress(EOFError, OSError), _processes:
            return _try_to_start(args)
        time.sleep(_LOOK_SECONDS)  # the server was killed: it ends, and the next try starts another
    with _processes:
        return _try_to_start(args)


def _try_to_start(args: tuple[Any, ...]) -> ForkServerProcess:
    _start_server()
    process = _context.Process(target=_live, args=args, daemon=True)
    process.start()
    return process


def _result(process: ForkServerProcess, conversation: Conversation, allowance: Allowance) -> Any:
    deadline = time.monotonic() + allowance.seconds
    overdue = False
    ended = False
    while not ended and not conversation.connection.closed:
        patience = min(_LOOK_SECONDS, max(0.0, deadline - time.monotonic()))
        ready = wait([conversation.connection, process.sentinel], timeout=patience)
        ended = process.sentinel in ready
        conversation.listen()
        if time.monotonic() > deadline and not overdue:
            overdue = True
            process.kill()
    try:
        return conversation.result(exit_code=_end(process), overdue=overdue)
    except ChildLost as lost:
        raise ChildFailed(
            "out_of_memory", gettext_noop("The computer ran out of memory. Try again later, or with a smaller picture.")
        ) from lost


def _end(process: ForkServerProcess) -> int:
    """Make sure that the child is gone; returns its exit code."""
    with _processes:
        if process.is_alive():
            process.join(_LOOK_SECONDS)  # it has closed its pipe and is on its way out
        process.kill()
        process.join()
    return process.exitcode or 0


def _live(connection: Connection, function: Callable[[], Any], allowance: Allowance) -> None:
    """Run inside the child; its parent is the fork server, which ends with the process that started it."""
    perform(connection, lambda _report: function(), allowance, parent=os.getppid())


def _start_server() -> None:
    """Start the fork server, or find it running.

    It looks for the modules to load where this process does, and quietly goes without those it does not find. Its BLAS must
    not start threads, since it forks.
    """
    given = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "OPENBLAS_NUM_THREADS": "1"}
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        _context.set_forkserver_preload(PRELOAD)
        forkserver.ensure_running()
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
