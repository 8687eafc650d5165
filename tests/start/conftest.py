"""`make run` for real: a clean copy of the checkout, real processes, a port of its own."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
LEFT_BEHIND = shutil.ignore_patterns(
    ".git", ".venv", ".make", ".*_cache", ".hypothesis", ".coverage*", "__pycache__", "node_modules", "staticfiles",
    "db.sqlite3*", ".secret-key*", "htmlcov", "test-results", "docs",
)  # fmt: skip
STARTED = "GMM Studio is running at "


def wait_for(look: Callable[[], T | None], seconds: float, what: str) -> T:
    """Poll until there is a value; give up after some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (seen := look()) is not None and seen is not False:
            return seen
        time.sleep(0.02)
    pytest.fail(f"{what}: not within {seconds} s")


class Checkout:
    """A copy of the sources in a folder with a space in its name, which uses the environment that runs the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT, folder, ignore=LEFT_BEHIND)
        for left in (folder / "media").glob("[!.]*"):
            shutil.rmtree(left)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "TMPDIR"}}
        return kept | {"PORT": str(self.port), "VENV": sys.prefix}

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["make", *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=60,
            check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def files(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}


class Site:
    """`make run` in a session of its own, as a terminal starts it."""

    def __init__(self, checkout: Checkout, log: Path) -> None:
        self.checkout = checkout
        self.address = f"http://127.0.0.1:{checkout.port}"
        self._log = log
        self.began = time.monotonic()
        with log.open("wb") as output:
            self.make = subprocess.Popen(
                ["make", "run"], cwd=checkout.folder, env=checkout.environment, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip

    @property
    def output(self) -> str:
        return self._log.read_text()

    def wait_until_open(self) -> float:
        """Wait until the site says where it is; returns the seconds since the start."""
        wait_for(lambda: STARTED in self.output or self.make.poll() is not None, 90, "the start")
        assert f"{STARTED}{self.address} (Ctrl-C stops it)" in self.output, self.output
        return time.monotonic() - self.began

    def get(self, path: str) -> tuple[int, str] | None:
        try:
            with urllib.request.urlopen(self.address + path, timeout=10) as answer:  # noqa: S310 - our own http address
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return None

    def processes(self) -> dict[int, str]:
        """Every live process of the session, with its command line."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                state, session = re.match(r".*\) (\S) \S+ \S+ (\d+)", (folder / "stat").read_text(), re.DOTALL).groups()
                if int(session) == self.make.pid and state not in "ZX":
                    found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
        return found

    def child(self, program: str) -> int | None:
        """The process that supervisor started for a program: `gmmsite.deploy.web` or `manage.py worker`."""
        processes = self.processes()
        supervisors = {pid for pid, line in processes.items() if "-m gmmsite.deploy.supervise" in line}
        return next((pid for pid, line in processes.items() if program in line and parent_of(pid) in supervisors), None)

    def kill(self, program: str) -> float:
        """Kill one process, and wait for its successor; returns the seconds until that has started."""
        old = wait_for(lambda: self.child(program), 10, f"a process of {program}")
        began = time.monotonic()
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: (new := self.child(program)) is not None and new != old, 10, f"the successor of {program}")
        return time.monotonic() - began

    def wait_for_health(self, status: str, seconds: float = 20) -> None:
        """Wait until /healthz answers with a status: `ok` when the worker lives, `degraded` when it does not."""

        def answers() -> bool:
            answer = self.get("/healthz")
            return answer is not None and answer[0] == 200 and json.loads(answer[1])["status"] == status

        wait_for(answers, seconds, f"health {status}")

    def signal(self, number: signal.Signals) -> float:
        """Send a signal as a terminal does, to its foreground group; returns the seconds until everything has ended."""
        began = time.monotonic()
        os.killpg(self.make.pid, number)
        self.make.wait(timeout=15)
        self.wait_until_empty(5)
        return time.monotonic() - began

    def wait_until_empty(self, seconds: float) -> None:
        wait_for(lambda: not self.processes(), seconds, f"the end of {self.processes()}")

    def clear(self) -> None:
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.make.wait(timeout=15)


def parent_of(pid: int) -> int | None:
    try:
        return int((Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("start") / "GMM Studio")


@pytest.fixture
def start(checkout: Checkout, tmp_path: Path) -> Iterator[Callable[[], Site]]:
    started: list[Site] = []

    def start_site() -> Site:
        started.append(Site(checkout, tmp_path / f"output-{len(started)}"))
        return started[-1]

    yield start_site
    for site in started:
        site.clear()
