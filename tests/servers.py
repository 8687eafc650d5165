"""Redis and PostgreSQL of a test's own, which can go away and come back."""

import contextlib
import os
import pwd
import signal
import subprocess

import redis

from scripts.services import free_port, identity, postgresql, program
from tests.processes import eventually


class Broker:
    """A Redis, which comes back without its memory."""

    def __init__(self, folder):
        self.url = f"redis://127.0.0.1:{free_port()}/0"
        self._folder = folder
        self._process = None

    def come(self):
        port = self.url.rpartition(":")[2].partition("/")[0]
        command = [program("redis-server"), "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", self._folder]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        eventually(self._answers)

    def go(self):
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self):
        try:
            return redis.Redis.from_url(self.url).ping()
        except redis.exceptions.ConnectionError:
            return False


class Database:
    """A PostgreSQL, which comes back with all that was committed."""

    def __init__(self, folder):
        self._folder = folder
        folder.chmod(0o755)  # it may be run by somebody else
        with contextlib.ExitStack() as first:
            settings, answers, _log = postgresql(folder, first)
            eventually(answers, within=60)
        self.url = settings["DATABASE_URL"]
        self.port = int(self.url.rpartition(":")[2].partition("/")[0])
        self._answers = answers
        self._process = None

    def come(self):
        command = [program("postgres"), "-D", str(self._folder / "postgresql"), "-p", str(self.port)]
        command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=100"]
        account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self._process = subprocess.Popen(
            command, cwd=self._folder, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, **identity(account)
        )
        eventually(self._answers, within=60)

    def go(self):
        """End it at once, with all its connections, as a package update does."""
        if self._process:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=30)
            self._process = None

    def kill(self):
        """End it as a power cut does: it has its log to recover from."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(timeout=30)
        self._process = None
