"""The web server: `python -m gmmsite.deploy.web` serves the site on 127.0.0.1 until SIGTERM or SIGINT.

This process opens the port and runs `GMM_WEB_PROCESSES` child processes that serve it. While a child is restarted, connections
wait in the queue of the socket. Only the children import Django. The children of the sandbox import this module again, so it
uses the standard library only.
"""

import atexit
import contextlib
import os
import signal
import socket
import sys
import time
from math import ceil
from typing import NoReturn

from gmmsite.deploy.parent import end_with_parent

HOST = "127.0.0.1"
BACKLOG = 1024
HEALTHY_SECONDS = 2.0  # a child that ran for longer is restarted at once; one that keeps ending, once a second


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    with listen(int(os.environ.get("PORT") or 8000)) as listener:
        Processes(
            listener,
            count=int(os.environ.get("GMM_WEB_PROCESSES") or 1),  # the settings refuse more without a shared cache
            stop_seconds=float(os.environ.get("GMM_STOP_SECONDS") or 10),
        ).run()


def listen(port: int) -> socket.socket:
    """Return a socket that listens on the port; exit with a message if that fails."""
    try:
        return socket.create_server((HOST, port), backlog=BACKLOG)
    except OSError as error:
        sys.exit(f"The web server cannot listen on {HOST}:{port}: {error.strerror}.")


class Processes:
    """Child processes that serve one listening socket. Each is restarted when it ends."""

    def __init__(self, listener: socket.socket, *, count: int, stop_seconds: float) -> None:
        self._listener = listener
        self._count = count
        self._stop_seconds = stop_seconds
        self._started: dict[int, float] = {}  # process id and time of its start
        self._stopping = False

    def run(self) -> None:
        """Start the processes and restart those that end; returns after `_stop`, when all have ended."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGALRM, self._kill)
        while not self._stopping and len(self._started) < self._count:
            self._start()
        while self._started:
            pid, _status = os.wait()
            lived = time.monotonic() - self._started.pop(pid, 0.0)
            if not self._stopping:
                if lived < HEALTHY_SECONDS:
                    time.sleep(1)
                self._start()

    def _start(self) -> None:
        signals = {signal.SIGTERM, signal.SIGINT}
        # No signal may arrive between the fork and storing the process id
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        try:
            parent = os.getpid()
            pid = os.fork()
            if pid == 0:
                self._serve(parent, signals)
            self._started[pid] = time.monotonic()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        if self._stopping:
            self._tell(signal.SIGTERM)

    def _serve(self, parent: int, blocked: set[signal.Signals]) -> NoReturn:
        """Serve the site in the child process, and end it."""
        for number in (signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C also reaches the parent, which sends SIGTERM
        signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)
        end_with_parent(signal.SIGKILL, parent)  # an orphan would keep the port occupied
        from gmmsite.deploy import server  # noqa: PLC0415 - the parent loads neither Django nor the application

        server.serve(self._listener, stop_seconds=self._stop_seconds)
        atexit._run_exitfuncs()  # noqa: SLF001 - deletes temporary folders; a full shutdown of the interpreter takes a second
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

    def _stop(self, _number: int, _frame: object) -> None:
        """Tell the children to finish their requests, and kill those that take too long."""
        self._stopping = True
        self._tell(signal.SIGTERM)
        signal.alarm(ceil(self._stop_seconds) + 1)

    def _kill(self, _number: int, _frame: object) -> None:
        self._tell(signal.SIGKILL)

    def _tell(self, number: signal.Signals) -> None:
        for pid in self._started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


if __name__ == "__main__":
    main()
