"""Test a first installation: clone HEAD, install into an empty environment, start the site, run the checks and tests/start.

It is done with the pip that this Python bundles and with the newest one, or only with the one that is named (`bundled` or `newest`).
The cache is empty, and only those environment variables are kept that the network may need. The script uses the standard library
only, because it runs before anything is installed.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = {
    "PATH",
    "HOME",
    "LANG",
    "TMPDIR",
    "XDG_CONFIG_HOME",
    "XDG_CONFIG_DIRS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
}
INSTALL_SECONDS = 1800  # for a slow network


class StepFailed(Exception):
    """Raised when a step of the installation fails."""


def main() -> None:
    """Run all steps; exit with 1 at the first one that fails."""
    pips = sys.argv[1:] or ["bundled", "newest"]
    if unknown := set(pips) - {"bundled", "newest"}:
        sys.exit(f"PIP is bundled or newest, not {' '.join(sorted(unknown))}")
    for pip in pips:
        with tempfile.TemporaryDirectory(prefix="gmm-fresh-") as folder:
            try:
                go_through(Path(folder), pip)
            except StepFailed as error:
                sys.exit(f"With the {pip} pip: {error}")


def go_through(folder: Path, pip: str) -> None:
    """Clone, install, run and check in an empty folder."""
    checkout, variables = folder / "checkout", environment(folder)
    step("clone", ["git", "clone", "--quiet", str(ROOT), str(checkout)], ROOT, variables)
    venv, python = checkout / ".venv", str(checkout / ".venv" / "bin" / "python")
    if pip == "newest":
        step("venv", [sys.executable, "-m", "venv", str(venv)], checkout, variables)
        step("pip", [python, "-m", "pip", "install", "--quiet", "--upgrade", "pip"], checkout, variables)
    make = ["make", f"PYTHON={sys.executable}"]
    with running([*make, "run"], checkout, variables) as address:
        read_first_page(address)
    step("pip check of what make run has installed", [python, "-m", "pip", "check"], checkout, variables)
    step("pip", [python, "-m", "pip", "--version"], checkout, variables)
    step("make check", [*make, "check"], checkout, variables)
    step("tests/start", [python, "-m", "pytest", "-q", "tests/start"], checkout, variables)


def environment(folder: Path) -> dict[str, str]:
    """Return the environment variables of a new machine, with those that the network may need."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT or name.startswith("PIP_") or name.lower().endswith("_proxy")
    }
    cache = str(folder / "cache")
    return kept | {"PIP_CACHE_DIR": f"{cache}/pip", "XDG_CACHE_HOME": cache, "PORT": str(free_port())}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def step(name: str, command: list[str], folder: Path, variables: dict[str, str]) -> None:
    """Run a command, and print how long it took."""
    say(f"{name} ...")
    began = time.monotonic()
    code = subprocess.run(command, cwd=folder, env=variables, stdin=subprocess.DEVNULL, check=False).returncode  # noqa: S603 - our own arguments
    if code:
        raise StepFailed(f"{name} failed with exit code {code}")
    say(f"{name}: {time.monotonic() - began:.0f} s")


@contextmanager
def running(command: list[str], folder: Path, variables: dict[str, str]) -> Iterator[str]:
    """Start the site, give its address once it is healthy, and stop it with SIGINT at the end of the block."""
    say("make run ...")
    began, address = time.monotonic(), f"http://127.0.0.1:{variables['PORT']}"
    site = subprocess.Popen(command, cwd=folder, env=variables, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603 - our own arguments
    try:
        while not is_healthy(address):
            if site.poll() is not None:
                raise StepFailed(f"make run has ended with exit code {site.returncode}")
            if time.monotonic() - began > INSTALL_SECONDS:
                raise StepFailed(f"make run did not answer within {INSTALL_SECONDS} s")
            time.sleep(0.2)
        say(f"make run: {time.monotonic() - began:.0f} s until it answers")
        yield address
        os.killpg(site.pid, signal.SIGINT)
        site.wait(timeout=30)
    finally:
        if site.poll() is None:
            os.killpg(site.pid, signal.SIGKILL)


def is_healthy(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=5) as answer:  # noqa: S310 - our own address
            return bool(json.load(answer)["status"] == "ok")
    except OSError:
        return False


def read_first_page(address: str) -> None:
    with urllib.request.urlopen(f"{address}/", timeout=30) as answer:  # noqa: S310 - our own address
        if b"GMM Studio" not in answer.read():
            raise StepFailed("the first page is not that of GMM Studio")


def say(what: str) -> None:
    print(f"fresh: {what}", flush=True)  # noqa: T201 - a command line


if __name__ == "__main__":
    if shutil.which("git") is None:
        sys.exit("This needs git.")
    main()
