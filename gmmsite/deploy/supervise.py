"""Run the processes of the site under supervisor until Ctrl-C, for `make run` and `make dev`.

Supervisor is made for daemons: it writes pid and log files, warns about root, reloads on SIGHUP and polls once a second. Here it
runs in a terminal: it writes no files, prints the output of its processes, and stops when the terminal is closed.
"""

import argparse
import contextlib
import os
import signal
import sys
from math import ceil
from pathlib import Path
from typing import Any

from supervisor import events, loggers
from supervisor.medusa import asyncore_25 as asyncore
from supervisor.options import ServerOptions
from supervisor.states import SupervisorStates
from supervisor.supervisord import Supervisor

from gmmsite.deploy.parent import end_with_parent

HERE = Path(__file__).parent
HEALTHY_SECONDS = 2.0  # a process that ran for longer is restarted at once; one that keeps crashing, once a second


class Terminal:
    """Prints the output of the processes line by line, each line after the name of its process."""

    def __init__(self) -> None:
        self._unfinished: dict[str, bytes] = {}

    def on_output(self, event: Any) -> None:
        name = event.process.config.name
        *lines, rest = (self._unfinished.pop(name, b"") + event.data).split(b"\n")
        for line in lines:
            self._print(name, line)
        if rest:
            self._unfinished[name] = rest

    def on_exit(self, event: Any) -> None:
        """Print the rest of the output of a process that has ended, and that it will be restarted."""
        name = event.process.config.name
        if rest := self._unfinished.pop(name, b""):
            self._print(name, rest)
        if event.process.config.options.mood == SupervisorStates.RUNNING:
            self.say(f"GMM Studio: {name} has ended and is started again.")

    def say(self, line: str) -> None:
        self._write(line.encode())

    def _print(self, name: str, line: bytes) -> None:
        self._write(line if line.startswith(b"GMM Studio ") else f"{name:<6} | ".encode() + line)

    @staticmethod
    def _write(line: bytes) -> None:
        try:
            sys.stdout.buffer.write(line + b"\n")
            sys.stdout.buffer.flush()
        except OSError:
            pass  # the terminal was closed; SIGHUP will follow and stop the site


class SignalPipe:
    """A pipe that becomes readable when a signal arrives, so that the main loop handles it at once (the self-pipe trick)."""

    def __init__(self) -> None:
        self.reader, writer = os.pipe()
        os.set_blocking(self.reader, False)
        os.set_blocking(writer, False)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def handle_read_event(self) -> None:
        os.read(self.reader, 1)  # one byte for each signal, because an iteration of the loop handles one

    def handle_error(self) -> None:
        """Do nothing: the loop will handle the signal at its next poll."""


class TerminalOptions(ServerOptions):  # type: ignore[misc]  # supervisor publishes no types
    """Options of supervisor without its files, and with SIGHUP as a reason to stop."""

    def setsignals(self) -> None:
        super().setsignals()
        signal.signal(signal.SIGHUP, lambda _number, frame: self.signal_receiver.receive(signal.SIGTERM, frame))
        pipe = SignalPipe()
        self._pipes = {pipe.reader: pipe}

    def get_socket_map(self) -> dict[int, SignalPipe]:
        return self._pipes

    def setpgrp(self) -> None:
        """Run in each new child: give it a process group of its own, and let it end with this process."""
        super().setpgrp()
        end_with_parent(signal.SIGTERM, self._pid)

    def set_uid_or_exit(self) -> None:
        """Do not change the user: the site runs as the user who started it, also as root in a container."""

    def write_pidfile(self) -> None:
        """Store the process id without a file."""
        self._pid = os.getpid()

    def make_logger(self) -> None:
        self.logger = loggers.getLogger(self.loglevel)
        loggers.handle_stdout(self.logger, "GMM Studio: %(message)s\n")


class Site(Supervisor):  # type: ignore[misc]  # supervisor publishes no types
    """Supervisor that prints to a terminal, and restarts a process without delay after it was killed."""

    def runforever(self) -> None:
        terminal = Terminal()
        events.subscribe(events.ProcessLogEvent, terminal.on_output)
        events.subscribe(events.ProcessStateExitedEvent, terminal.on_exit)
        events.subscribe(events.ProcessStateStoppedEvent, terminal.on_exit)
        events.subscribe(events.SupervisorStoppingEvent, lambda _event: terminal.say("GMM Studio stops."))
        super().runforever()

    def reap(self, once: bool = False, recursionguard: int = 0) -> None:  # noqa: FBT001, FBT002 - supervisor's signature
        super().reap(once, recursionguard)
        for group in self.process_groups.values():
            for process in group.processes.values():
                if process.laststop - process.laststart > HEALTHY_SECONDS:
                    process.transition()


def main() -> None:
    """Run the site until a signal stops it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reload", action="store_true", help="start the processes again when a source file changes")
    arguments = parser.parse_args()
    os.environ.setdefault("GMM_STOP_SECONDS", "2")  # short, because a person waits at the terminal
    os.environ["GMM_KILL_SECONDS"] = str(ceil(float(os.environ["GMM_STOP_SECONDS"])) + 1)
    os.environ["GMM_PYTHON"] = sys.executable
    configuration = HERE / ("supervisor-dev.conf" if arguments.reload else "supervisor.conf")
    options = TerminalOptions()
    options.realize(["--configuration", str(configuration)])
    options.first = True
    options.test = False
    with contextlib.suppress(asyncore.ExitNow):  # supervisor raises it when everything has stopped
        Site(options).main()


if __name__ == "__main__":
    main()
