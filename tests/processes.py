"""Real processes in tests: the worker as `make run` starts it, and waiting for what it does without sleeping blindly."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests.media import bucket

ROOT = Path(__file__).resolve().parents[1]


def eventually(condition, *, within=60.0, every=0.01):
    """Poll until `condition()` is true, and return what it said; fail after `within` seconds."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if answer := condition():
            return answer
        time.sleep(every)
    return pytest.fail(f"not within {within} s: {condition}")


def database_url():
    """Return the address of the test's own database, for another process."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    host = f"{database['HOST']}:{database['PORT']}".rstrip(":")
    return f"postgres://{database['USER']}:{database['PASSWORD']}@{host}/{database['NAME']}"


def children_of(pid):
    """Return the processes that `pid` has started and that have not ended, without its decoder."""
    return [child for child, is_decoder in _started_by(pid) if not is_decoder]


def decoders_of(pid):
    """Return the decoder processes that `pid` has started and that have not ended."""
    return [child for child, is_decoder in _started_by(pid) if is_decoder]


def _started_by(pid):
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid and state not in "ZX":
                found.append((int(folder.name), b"engine.decoder" in (folder / "cmdline").read_bytes()))
    return found


def is_running(pid):
    """Return whether a process has not ended; one that nobody has asked for its end yet has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def processor_seconds(pid):
    """Return how long a process has computed; 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class WorkerProcess:
    """`manage.py worker` on the test's database and files; `environment` holds settings, for example GMM_LEASE_SECONDS.

    It has started once it says that it is `ready`.
    """

    def __init__(self, log, *, ready="worker is ready", **environment):
        self._log = log
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "worker"],
                cwd=ROOT,
                env={name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
                | {"DATABASE_URL": database_url(), "MEDIA_ROOT": str(settings.MEDIA_ROOT), "PYTHONUNBUFFERED": "1"}
                | {"REDIS_URL": settings.REDIS_URL, **bucket()}
                | {name: str(value) for name, value in environment.items()},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        eventually(lambda: ready in self.output or self.process.poll() is not None, within=120)
        assert self.process.poll() is None, self.output

    @property
    def output(self):
        return self._log.read_text()

    @property
    def pid(self):
        return self.process.pid

    def supervisors(self):
        """The processes that write the heartbeats of runs: the worker itself, or its present work-horse."""
        return [self.pid] if settings.TASKS_BACKEND == "rows" else children_of(self.pid)

    def children(self):
        """The processes that compute."""
        return [child for supervisor in self.supervisors() for child in children_of(supervisor)]

    def pause(self):
        """Stop its processes, except for those that compute."""
        self._paused = [self.pid, *self.supervisors()]
        for pid in self._paused:
            os.kill(pid, signal.SIGSTOP)

    def resume(self):
        for pid in self._paused:
            os.kill(pid, signal.SIGCONT)

    def kill(self):
        """Kill it with SIGKILL, as the kernel does when memory runs out."""
        self.process.kill()
        self.process.wait(timeout=10)

    def stop(self):
        """Ask it to stop, as a supervisor does; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)
