"""A function call in a forked child process, for a parent with one thread."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, NoReturn, Self

from segmentation.engine.sandbox.limits import Allowance
from segmentation.engine.sandbox.protocol import ChildMessages, Report, run_function


class Child:
    """A function call in a forked process, which runs while the parent does other work.

    Call `poll` regularly, or wait for `connection` to become readable; once `poll` returns True, `result` returns or raises what
    the call did.
    """

    def __init__(self, pid: int, connection: Connection, allowance: Allowance) -> None:
        self.pid = pid
        self._messages = ChildMessages(connection)
        self._deadline = time.monotonic() + allowance.seconds
        self._overdue = False
        self._exit_code: int | None = None

    @classmethod
    def fork(cls, function: Callable[[Report], Any], *, allowance: Allowance) -> Self:
        """Start `function` in a copy of this process.

        The copy has all imported modules and starts in milliseconds. The calling process must have one thread only, since
        locks that other threads hold stay locked in the copy, and it must have closed its database connections.
        """
        receiving, sending = Pipe(duplex=False)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()  # otherwise the copy writes the contents of the buffers again
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            receiving.close()
            _run_child(sending, function, allowance, parent)
        sending.close()
        return cls(pid, receiving, allowance)

    @property
    def progress(self) -> Any:
        """The newest value that the call has reported; None before the first."""
        return self._messages.progress

    @property
    def connection(self) -> Connection | None:
        """The connection that becomes readable when the child sends a message or ends; None when it has been closed."""
        connection = self._messages.connection
        return None if connection.closed else connection

    def poll(self) -> bool:
        """Receive messages of the child, kill it at its deadline, and return whether it has ended."""
        if self._exit_code is None:
            if time.monotonic() > self._deadline and not self._overdue:
                self._overdue = True
                self.kill()
            self._messages.receive()
            self._reap()
        return self._exit_code is not None

    def kill(self) -> None:
        """Send the child SIGKILL; `poll` returns True when it has ended."""
        if self._exit_code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def result(self) -> Any:
        """Return the result of the call, or raise its error, as `ChildMessages.result` does; only after the child has ended."""
        if self._exit_code is None:
            raise RuntimeError("The child has not ended yet.")
        return self._messages.result(exit_code=self._exit_code, overdue=self._overdue)

    def _reap(self) -> None:
        """Take the exit code of the child if it has ended."""
        is_ending = self._messages.connection.closed  # it is about to exit: waiting takes no time
        try:
            pid, status = os.waitpid(self.pid, 0 if is_ending else os.WNOHANG)
        except ChildProcessError:  # other code of this process has waited for it
            self._exit_code = -signal.SIGKILL
            return
        if pid:
            self._exit_code = os.waitstatus_to_exitcode(status)
            self._messages.receive()
            self._messages.connection.close()


def _run_child(
    connection: Connection, function: Callable[[Report], Any], allowance: Allowance, parent: int
) -> NoReturn:
    """Run the function in the child and exit, without ever returning to the code of the parent."""
    exit_code = 1
    try:
        # It is sent to the whole process group; the parent decides when children end.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        run_function(connection, function, allowance, parent=parent)
        connection.close()
        exit_code = 0
    finally:
        os._exit(exit_code)
