"""Runs the site's processes under supervisor until Ctrl-C: what `make run` and `make dev` end in.

Supervisor as it comes is made for daemons: it keeps pid and log files, warns about root, reloads on SIGHUP and looks about
once a second. Here it belongs to a terminal: it writes no file, prints what its processes print, and stops when the
terminal goes away.
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
HEALTHY_SECONDS = 2.0  # who lived for this long is started again at once; who keeps crashing, once a second


class Terminal:
    """Prints whole lines of the processes, each after the name of its process."""

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
        """Print what a process said last, and that it is not gone for good."""
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
            pass  # the terminal is gone: SIGHUP is on its way, and ends the site in order


class Bell:
    """A pipe that rings when a signal arrives, so that the main loop need not wait for its next look."""

    def __init__(self) -> None:
        self.ear, hammer = os.pipe()
        os.set_blocking(self.ear, False)
        os.set_blocking(hammer, False)
        signal.set_wakeup_fd(hammer, warn_on_full_buffer=False)

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return False

    def handle_read_event(self) -> None:
        os.read(self.ear, 1)  # one ring a signal, because the loop handles one at each turn

    def handle_error(self) -> None:
        """Nothing to mend: at worst the loop looks a moment later."""


class TerminalOptions(ServerOptions):  # type: ignore[misc]  # supervisor publishes no types
    """Supervisor's options without its files, and with a closed terminal as a reason to stop."""

    def setsignals(self) -> None:
        super().setsignals()
        signal.signal(signal.SIGHUP, lambda _number, frame: self.signal_receiver.receive(signal.SIGTERM, frame))
        bell = Bell()
        self._bell = {bell.ear: bell}

    def get_socket_map(self) -> dict[int, Bell]:
        return self._bell

    def setpgrp(self) -> None:
        """Run in each new child: Ctrl-C must not reach it past us, and nothing must outlive us."""
        super().setpgrp()
        end_with_parent(signal.SIGTERM, self._pid)

    def set_uid_or_exit(self) -> None:
        """The site runs as whoever started it, root in a container included."""

    def write_pidfile(self) -> None:
        """Remember who we are without a file."""
        self._pid = os.getpid()

    def make_logger(self) -> None:
        self.logger = loggers.getLogger(self.loglevel)
        loggers.handle_stdout(self.logger, "GMM Studio: %(message)s\n")


class Site(Supervisor):  # type: ignore[misc]  # supervisor publishes no types
    """Supervisor that talks to a terminal and brings back a process that was killed without a pause."""

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
    """Run the site until a signal ends it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reload", action="store_true", help="start the processes again when a source file changes")
    arguments = parser.parse_args()
    os.environ.setdefault("GMM_STOP_SECONDS", "2")  # a person waits at the terminal; a deployment gives more
    os.environ["GMM_KILL_SECONDS"] = str(ceil(float(os.environ["GMM_STOP_SECONDS"])) + 1)
    os.environ["GMM_PYTHON"] = sys.executable
    configuration = HERE / ("supervisor-dev.conf" if arguments.reload else "supervisor.conf")
    options = TerminalOptions()
    options.realize(["--configuration", str(configuration)])
    options.first = True
    options.test = False
    with contextlib.suppress(asyncore.ExitNow):  # how supervisor says that everything has stopped
        Site(options).main()


if __name__ == "__main__":
    main()
