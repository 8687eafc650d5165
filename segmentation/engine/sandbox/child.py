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
from segmentation.engine.sandbox.protocol import Conversation, Report, perform


class Child:
    """A call in a forked process, for a parent with one thread that has other things to do meanwhile.

    Ask `poll` now and then, or wait on `connection`; once it has ended, `result` says how.
    """

    def __init__(self, pid: int, connection: Connection, allowance: Allowance) -> None:
        self.pid = pid
        self._conversation = Conversation(connection)
        self._deadline = time.monotonic() + allowance.seconds
        self._overdue = False
        self._exit_code: int | None = None

    @classmethod
    def fork(cls, function: Callable[[Report], Any], *, allowance: Allowance) -> Self:
        """Start `function` in a copy of this process.

        The copy has everything that is imported here and starts in milliseconds. It must not have been forked from a
        process with several threads: their locks stay locked in it. Connections to databases must be closed before.
        """
        receiving, sending = Pipe(duplex=False)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()  # or what is in the buffers is written twice
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            receiving.close()
            _live(sending, function, allowance, parent)
        sending.close()
        return cls(pid, receiving, allowance)

    @property
    def progress(self) -> Any:
        """The newest value that the call has reported; None before the first."""
        return self._conversation.progress

    @property
    def connection(self) -> Connection | None:
        """What can be read once the child says something or ends; None when it will say nothing more."""
        connection = self._conversation.connection
        return None if connection.closed else connection

    def poll(self) -> bool:
        """Take in what the child says, kill it at its deadline; returns whether it has ended."""
        if self._exit_code is None:
            if time.monotonic() > self._deadline and not self._overdue:
                self._overdue = True
                self.kill()
            self._conversation.listen()
            self._reap()
        return self._exit_code is not None

    def kill(self) -> None:
        """End it at once; `poll` tells when it has."""
        if self._exit_code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def result(self) -> Any:
        """Return what the call returned, or raise what became of it; see `Conversation.result`."""
        if self._exit_code is None:
            raise RuntimeError("The child has not ended yet.")
        return self._conversation.result(exit_code=self._exit_code, overdue=self._overdue)

    def _reap(self) -> None:
        says_no_more = self._conversation.connection.closed  # it is on its way out: waiting takes no time
        try:
            pid, status = os.waitpid(self.pid, 0 if says_no_more else os.WNOHANG)
        except ChildProcessError:  # somebody else has reaped it
            self._exit_code = -signal.SIGKILL
            return
        if pid:
            self._exit_code = os.waitstatus_to_exitcode(status)
            self._conversation.listen()
            self._conversation.connection.close()


def _live(connection: Connection, function: Callable[[Report], Any], allowance: Allowance, parent: int) -> NoReturn:
    """Never come back into the parent's code, whatever happens."""
    exit_code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # sent to the group: the parent decides what becomes of us
        perform(connection, function, allowance, parent=parent)
        connection.close()
        exit_code = 0
    finally:
        os._exit(exit_code)
