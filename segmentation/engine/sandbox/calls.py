"""Function calls in child processes of a fork server, for processes with threads, which must not fork themselves."""

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
from segmentation.engine.sandbox.protocol import ChildLost, ChildMessages, run_function

P = ParamSpec("P")
R = TypeVar("R")

PRELOAD = ["segmentation.engine.pipeline", "segmentation.engine.sandbox.calls"]
"""Modules that every child has imported from its start; `pipeline` imports imaging and numerics."""

BUSY_SECONDS = 10.0  # for which a call waits for a slot
_POLL_SECONDS = 0.1
_MAX_STARTS = 3

_context = multiprocessing.get_context("forkserver")
_slots = threading.BoundedSemaphore(2)
# Starting a process also polls all others, which `multiprocessing` does not make safe for threads.
_process_lock = threading.Lock()


def configure(*, children: int) -> None:
    """Set how many calls may run at the same time; to be called before the first call of the process."""
    global _slots  # noqa: PLW0603 - there is one set of slots for the process
    _slots = threading.BoundedSemaphore(children)


def start_fork_server() -> None:
    """Start the fork server with the engine imported, unless it runs, so that the first call need not wait for it."""
    with _process_lock:
        _start_server()


def call(function: Callable[P, R], *args: Any, allowance: Allowance, **kwargs: Any) -> R:
    """Return `function(*args, **kwargs)`, called in a child process. Function, arguments and result must be picklable.

    Raises
    ------
    SegmentationError
        As the function raises it.
    ChildFailed
        With `out_of_memory`, `deadline`, `crashed` or `internal_error`.
    Busy
        When all slots were in use for 10 s.
    """
    with _slot():
        receiving, sending = _context.Pipe(duplex=False)
        with receiving:
            with sending:
                process = _start((sending, functools.partial(function, *args, **kwargs), allowance))
            try:
                return _result(process, ChildMessages(receiving), allowance)  # type: ignore[no-any-return] # pickled
            finally:
                _end(process)


@contextlib.contextmanager
def _slot() -> Iterator[None]:
    slots = _slots
    if not slots.acquire(timeout=BUSY_SECONDS):
        raise Busy("busy", gettext_noop("Many pictures are being read right now. Try again in a moment."))
    try:
        yield
    finally:
        slots.release()


def _start(args: tuple[Any, ...]) -> ForkServerProcess:
    for _ in range(_MAX_STARTS - 1):
        with contextlib.suppress(EOFError, OSError), _process_lock:
            return _start_once(args)
        time.sleep(_POLL_SECONDS)  # the server was killed; the next attempt starts another
    with _process_lock:
        return _start_once(args)


def _start_once(args: tuple[Any, ...]) -> ForkServerProcess:
    _start_server()
    process = _context.Process(target=_run_child, args=args, daemon=True)
    process.start()
    return process


def _result(process: ForkServerProcess, messages: ChildMessages, allowance: Allowance) -> Any:
    deadline = time.monotonic() + allowance.seconds
    overdue = False
    ended = False
    while not ended and not messages.connection.closed:
        timeout = min(_POLL_SECONDS, max(0.0, deadline - time.monotonic()))
        ready = wait([messages.connection, process.sentinel], timeout=timeout)
        ended = process.sentinel in ready
        messages.receive()
        if time.monotonic() > deadline and not overdue:
            overdue = True
            process.kill()
    try:
        return messages.result(exit_code=_end(process), overdue=overdue)
    except ChildLost as lost:
        raise ChildFailed(
            "out_of_memory", gettext_noop("The computer ran out of memory. Try again later, or with a smaller picture.")
        ) from lost


def _end(process: ForkServerProcess) -> int:
    """Kill the child if it still runs, and return its exit code."""
    with _process_lock:
        if process.is_alive():
            process.join(_POLL_SECONDS)  # it has closed its pipe and is about to exit
        process.kill()
        process.join()
    return process.exitcode or 0


def _run_child(connection: Connection, function: Callable[[], Any], allowance: Allowance) -> None:
    """Run the function in the child, whose parent is the fork server, which ends with the process that started it."""
    run_function(connection, lambda _report: function(), allowance, parent=os.getppid())


def _start_server() -> None:
    """Start the fork server, unless it runs.

    It imports modules from the `sys.path` of this process, and silently leaves out those that it does not find. BLAS must not
    start threads in it, since it forks.
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
