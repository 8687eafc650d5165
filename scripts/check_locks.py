"""Check, without a network, that the lock files match the `.in` files.

Every requirement must have a pin that satisfies it, every pin must have a hash, and the two locks must agree. `make lock` looks for
newer versions.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
Pins = dict[str, set[str]]  # name -> versions; more than one when they depend on the Python version


def requirements(path: Path) -> Iterator[Requirement]:
    """Yield the requirements of an `.in` file, and of the files that it includes."""
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if text.startswith("-r "):
            yield from requirements(path.with_name(text[3:].strip()))
        elif text and not text.startswith("-"):
            yield Requirement(text)


def pins(path: Path) -> tuple[Pins, list[str]]:
    """Return the pins of a lock, and a message for each pin without a hash."""
    found: Pins = {}
    bare = []
    for entry in re.split(r"\n(?=[A-Za-z0-9])", path.read_text(encoding="utf-8")):
        match = re.match(r"([A-Za-z0-9._-]+)==([^\s;\\]+)", entry)
        if match:
            found.setdefault(canonicalize_name(match[1]), set()).add(match[2])
            if "--hash=sha256:" not in entry:
                bare.append(f"{path.name}: {match[1]} has no hash")
    return found, bare


def faults(wanted: Path, lock: Path) -> Iterator[str]:
    """Yield a sentence for each pin without a hash, and for each requirement that a lock does not satisfy."""
    held, bare = pins(lock)
    yield from bare
    for requirement in requirements(wanted):
        versions = held.get(canonicalize_name(requirement.name), set())
        if not versions:
            yield f"{lock.name} lacks {requirement.name}, which {wanted.name} asks for"
        for version in sorted(versions):
            if not requirement.specifier.contains(version, prereleases=True):
                yield f"{lock.name} holds {requirement.name} {version}, but {wanted.name} asks for {requirement.specifier}"


def disagreements(lock: Path, larger: Path) -> Iterator[str]:
    """Yield a sentence for each package of a lock that has other versions in the larger lock."""
    theirs = pins(larger)[0]
    for name, versions in pins(lock)[0].items():
        if theirs.get(name) != versions:
            yield f"{lock.name} and {larger.name} disagree on {name}"


def main() -> None:
    """Print what does not match and exit with 1, or print nothing. The folder of the files can be given."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    run, dev = folder / "requirements.txt", folder / "requirements-dev.txt"
    stale = [*faults(run.with_suffix(".in"), run), *faults(dev.with_suffix(".in"), dev), *disagreements(run, dev)]
    if stale:
        sys.exit("\n".join([*stale, "Run: make lock"]))


if __name__ == "__main__":
    main()
