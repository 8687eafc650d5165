"""Prepare a machine before anything is installed: check Python and the port, create and fill the virtual environment.

`make` runs this script with the `python3` that it finds. It uses the standard library only, and the check of the version uses
syntax that old versions of Python can read.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this file is the one that has to run on an older Python
    sys.exit(
        "GMM Studio needs Python 3.11 or newer, and this is Python %d.%d.\n"  # noqa: UP031 - for an old Python, too
        "Name a newer one like this: make run PYTHON=python3.12" % sys.version_info[:2]
    )

import argparse
import importlib
import re
import socket
import subprocess
from pathlib import Path

LISTENING = "0A"  # a socket's state in /proc/net/tcp
STAMP = "# installed by Python "  # first line of the copy of a lock that is kept in the environment
PIP = ["-m", "pip", "--quiet", "--disable-pip-version-check"]


class SetupError(Exception):
    """Raised for a problem that the user can solve; the message says how."""


def main() -> None:
    """Check and install what the arguments name; on a problem, print a message and exit with code 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, default=Path(".venv"), help="the virtual environment, made when missing")
    parser.add_argument("--port", help="check that this port is free")
    parser.add_argument("--goal", default="run", help="the target of make, for messages")
    parser.add_argument("locks", nargs="*", type=Path, help="hashed requirement files to install")
    arguments = parser.parse_args()
    try:
        if arguments.port is not None:
            check_port(arguments.port, arguments.goal)
        for lock in arguments.locks:
            install(lock, arguments.venv)
    except SetupError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def check_port(text: str, goal: str) -> None:
    """Require that the port is free; otherwise the error names the program that uses it, and a free port."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise SetupError(f"PORT={text} is not a port: it must be a number from 1 to 65535, like PORT=8001 make {goal}")
    port = int(text)
    try:
        is_free = can_bind(port)
    except PermissionError:
        raise SetupError(f"Port {port} is reserved for root. Choose one above 1023: PORT=8001 make {goal}") from None
    if not is_free:
        other = next(candidate for candidate in range(max(port, 1023) + 1, 65536) if can_bind(candidate))
        raise SetupError(
            f"Port {port} is taken by {holder(port)}.\nStop that program, or use another port: PORT={other} make {goal}"
        )


def can_bind(port: int) -> bool:
    """Return whether a server could listen on this port of 127.0.0.1 now."""
    with socket.socket() as probe:
        # As the web server does, so that recently closed connections do not matter
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise
        except OSError:
            return False
    return True


def holder(port: int) -> str:
    """Return the name of the program that listens on a port, as far as it can be determined."""
    sockets = {f"socket:[{inode}]" for inode in listening_inodes(port)}
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(descriptor.readlink()) in sockets:
                process = descriptor.parent.parent
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:
            continue  # another user's process, or one that has just ended
    return "another program"


def listening_inodes(port: int) -> set[str]:
    """Return the inodes of the sockets that listen on a port."""
    inodes = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if table.exists():
            rows = [line.split() for line in table.read_text().splitlines()[1:]]
            inodes |= {row[9] for row in rows if row[3] == LISTENING and int(row[1].rpartition(":")[2], 16) == port}
    return inodes


def install(lock: Path, venv: Path) -> None:
    """Install the packages of a lock file into the environment, unless the same file was installed last.

    A copy of the lock is kept in the environment. Packages of the old lock that are not in the new one are uninstalled, because
    they may have been removed for security reasons.
    """
    python = venv / "bin" / "python"
    stamp = venv / f"{lock.stem}.installed"
    wanted = "{}{}.{}\n{}".format(STAMP, *sys.version_info[:2], lock.read_text(encoding="utf-8"))
    old = stamp.read_text(encoding="utf-8") if stamp.exists() else STAMP
    if old == wanted:
        return
    if not is_usable(python) or not old.startswith(STAMP):  # copies of earlier releases do not say what was installed
        create(venv)
    print(f"Installing {lock.name} into {venv} (once, and again when it changes) ...", flush=True)  # noqa: T201 - a command line
    uninstall(packages(old) - packages(wanted), venv)
    arguments = ["install", "--no-input", "--no-deps", "--require-hashes", "-r", str(lock)]
    if subprocess.run([python, *PIP, *arguments], check=False).returncode:  # noqa: S603 - our own arguments
        raise SetupError(f"{lock.name} could not be installed. pip says why above; is there a network?")
    stamp.write_text(wanted, encoding="utf-8")


def packages(lock: str) -> set[str]:
    """Return the names of what a lock installs, normalised as in PEP 503."""
    return {re.sub(r"[-_.]+", "-", name).lower() for name in re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}


def uninstall(gone: set[str], venv: Path) -> None:
    """Uninstall packages, and delete the copies of other locks with these packages, so that they are installed again."""
    if not gone:
        return
    if subprocess.run([venv / "bin" / "python", *PIP, "uninstall", "--yes", *sorted(gone)], check=False).returncode:  # noqa: S603 - our own arguments
        raise SetupError(
            f"{', '.join(sorted(gone))} could not be uninstalled. pip says why above; remove {venv} and try again."
        )
    for stamp in venv.glob("*.installed"):
        if gone & packages(stamp.read_text(encoding="utf-8")):
            stamp.unlink()


def is_usable(python: Path) -> bool:
    """Return whether the environment works, has pip, and has the same Python version as this process."""
    if not python.exists():
        return False
    same = f"import pip, sys; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    return subprocess.run([python, "-c", same], check=False, capture_output=True).returncode == 0  # noqa: S603 - our own arguments


def create(venv: Path) -> None:
    """Create the virtual environment, in place of an old one."""
    for module in ("venv", "ensurepip"):
        try:
            importlib.import_module(module)
        except ImportError:
            raise SetupError(
                f"This Python cannot make virtual environments: its module {module} is missing.\n"
                "On Debian and Ubuntu, install it with: apt install python3-venv   (as root), then try again."
            ) from None
    if subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=False).returncode:  # noqa: S603 - our own arguments
        raise SetupError(f"The virtual environment {venv} could not be made; Python says why above.")


if __name__ == "__main__":
    main()
