"""Compares the locked packages, and the libraries bundled in their wheels, with the lowest versions that are admitted.

The list with its reasons is `lowest_versions.toml`. Needs no network; with `--service PROGRAM`, pip-audit also asks what is known of the
packages, and whether it got an answer is said.
"""

import argparse
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import PIL.features
import pillow_heif
import psycopg.pq
import pyproj
from packaging.utils import canonicalize_name
from packaging.version import Version

sys.path.insert(0, str(Path(__file__).resolve().parent))
import check_locks

ROOT = Path(__file__).resolve().parent.parent
LOCKS = (
    "requirements.txt",
    "requirements-dev.txt",
    "benchmarks/load-requirements.txt",
    "benchmarks/bench-requirements.txt",
    "scripts/audit-requirements.txt",
)
Told = dict[tuple[str, str], str]  # (wheel, library) -> version

_PILLOW = {
    "freetype2": "freetype", "littlecms2": "lcms2", "webp": "libwebp", "avif": "libavif", "libjpeg_turbo": "libjpeg-turbo",
    "jpg_2000": "openjpeg", "zlib": "zlib", "zlib_ng": "zlib-ng", "libtiff": "libtiff",
}  # fmt: skip
_RENAMED = {"libjpeg_turbo": "libjpeg-turbo", "zlib_ng": "zlib-ng"}


def bundled() -> Told:
    """Return what the wheels of this environment say of the libraries in them."""
    told: dict[tuple[str, str], str | None] = {}
    for feature, library in _PILLOW.items():
        told["pillow", library] = PIL.features.version(feature)
    for library, version in imagecodecs.version(dict).items():
        told["imagecodecs", _RENAMED.get(library, library)] = version
    heif = pillow_heif.libheif_info()
    told["pillow-heif", "libheif"] = heif["libheif"]
    told |= {("pillow-heif", name): text.rpartition("version ")[2] for name, text in heif["decoders"].items()}
    told["pillow-heif", "x265"] = re.sub(r".*\((.*?)[+)].*", r"\1", heif["encoders"].get("x265", ""))
    told["pyproj", "proj"] = pyproj.proj_version_str
    number = psycopg.pq.version()
    told["psycopg-binary", "libpq"] = f"{number // 10000}.{number % 10000}"
    return {key: match[0] for key, text in told.items() if (match := re.search(r"\d+(\.\d+)+", text or ""))}


def faults(rules: dict[str, Any], pins: check_locks.Pins, told: Told) -> Iterator[str]:
    """Yield a sentence for everything that may not be, and for every exception that nothing needs."""
    yield from _of_packages(rules, pins)
    yield from _of_libraries(rules, told)
    yield from _idle_exceptions(rules, pins)


def _of_packages(rules: dict[str, Any], pins: check_locks.Pins) -> Iterator[str]:
    for name, versions in sorted(pins.items()):
        if name in rules["refused"]:
            yield f"{name} is refused: {rules['refused'][name]}"
        rule = rules["packages"].get(name)
        for version in sorted(versions):
            if rule is not None and Version(version) < Version(rule["lowest"]):
                yield f"{name} {version} is below {rule['lowest']}: {rule['why']}"


def _of_libraries(rules: dict[str, Any], told: Told) -> Iterator[str]:
    for library in sorted(rules["libraries"].keys() - {library for _wheel, library in told}):
        yield f"no wheel says which {library} it holds: it cannot be compared"
    accepted = {(entry["wheel"], entry["library"], entry["version"]) for entry in rules["accepted"]}
    for (wheel, library), version in sorted(told.items()):
        rule = rules["libraries"].get(library)
        if (
            rule is not None
            and Version(version) < Version(rule["lowest"])
            and (wheel, library, version) not in accepted
        ):
            yield f"{library} {version}, in the wheel of {wheel}, is below {rule['lowest']}: {rule['why']}"


def _idle_exceptions(rules: dict[str, Any], pins: check_locks.Pins) -> Iterator[str]:
    for entry in rules["accepted"]:
        wheel, library, version = entry["wheel"], entry["library"], entry["version"]
        if entry["release"] not in pins.get(canonicalize_name(wheel), set()):
            yield f"{library} {version} in {wheel} {entry['release']} is accepted, but no lock holds that release: remove the exception"
        elif Version(version) >= Version(rules["libraries"][library]["lowest"]):
            yield f"{library} {version} in {wheel} needs no exception: remove it"


def locked(folder: Path) -> check_locks.Pins:
    """Return the versions of all locks together."""
    together: check_locks.Pins = {}
    for name in LOCKS:
        if (folder / name).exists():
            for package, versions in check_locks.pins(folder / name)[0].items():
                together.setdefault(package, set()).update(versions)
    return together


def ask(program: str, lock: Path) -> tuple[str, bool]:
    """Return what pip-audit's service says of a lock, and whether it knows a hole."""
    command = [
        program,
        "--disable-pip",
        "--no-deps",
        "--format",
        "json",
        "--progress-spinner",
        "off",
        "--requirement",
        str(lock),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        return f"pip-audit's service did not answer for {lock.name}: {reason[0]}", False
    asked = [package for package in packages if "skip_reason" not in package]
    holes = [
        f"{package['name']} {package['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no release'}"
        for package in asked
        for hole in package["vulns"]
    ]
    if not asked:
        return (
            f"pip-audit's service did not answer for {lock.name}: it knows none of the {len(packages)} packages",
            False,
        )
    return "\n".join(
        [f"pip-audit looked up {len(asked)} of the {len(packages)} packages of {lock.name}", *holes]
    ), bool(holes)


def main() -> None:
    """Print what is wrong and leave with 1, or say how much was compared; the folder of the locks may be given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT)
    parser.add_argument("--service", metavar="PROGRAM", help="pip-audit, to ask its service as well")
    arguments = parser.parse_args()
    rules = tomllib.loads((ROOT / "scripts" / "lowest_versions.toml").read_text(encoding="utf-8"))
    pins, told = locked(arguments.folder), bundled()
    found = list(faults(rules, pins, told))
    judged = sum(library in rules["libraries"] for _wheel, library in told)
    print(f"{len(pins)} packages and {judged} libraries in wheels compared with scripts/lowest_versions.toml")  # noqa: T201 - a command line
    if arguments.service:
        for name in ("requirements.txt", "requirements-dev.txt"):
            said, is_bad = ask(arguments.service, arguments.folder / name)
            print(said)  # noqa: T201 - the same
            found += [f"holes are known in {name}, see above"] if is_bad else []
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
