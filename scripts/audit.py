"""Compare the locked packages, and the libraries bundled in their wheels, with the lowest versions that are allowed.

`lowest_versions.toml` has the versions and the reasons. The script needs no network. With `--service PROGRAM`, pip-audit also looks
up known vulnerabilities of the packages, and the output says whether its service has answered.
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
Versions = dict[tuple[str, str], str]  # (wheel, library) -> version

_PILLOW = {
    "freetype2": "freetype", "littlecms2": "lcms2", "webp": "libwebp", "avif": "libavif", "libjpeg_turbo": "libjpeg-turbo",
    "jpg_2000": "openjpeg", "zlib": "zlib", "zlib_ng": "zlib-ng", "libtiff": "libtiff",
}  # fmt: skip
_RENAMED = {"libjpeg_turbo": "libjpeg-turbo", "zlib_ng": "zlib-ng"}


def bundled() -> Versions:
    """Return the versions of the libraries that are bundled in the wheels of this environment, as the wheels report them."""
    versions_found: dict[tuple[str, str], str | None] = {}
    for feature, library in _PILLOW.items():
        versions_found["pillow", library] = PIL.features.version(feature)
    for library, version in imagecodecs.version(dict).items():
        versions_found["imagecodecs", _RENAMED.get(library, library)] = version
    heif = pillow_heif.libheif_info()
    versions_found["pillow-heif", "libheif"] = heif["libheif"]
    versions_found |= {("pillow-heif", name): text.rpartition("version ")[2] for name, text in heif["decoders"].items()}
    versions_found["pillow-heif", "x265"] = re.sub(r".*\((.*?)[+)].*", r"\1", heif["encoders"].get("x265", ""))
    versions_found["pyproj", "proj"] = pyproj.proj_version_str
    number = psycopg.pq.version()
    versions_found["psycopg-binary", "libpq"] = f"{number // 10000}.{number % 10000}"
    return {key: match[0] for key, text in versions_found.items() if (match := re.search(r"\d+(\.\d+)+", text or ""))}


def faults(rules: dict[str, Any], pins: check_locks.Pins, versions_found: Versions) -> Iterator[str]:
    """Yield a sentence for every version that is not allowed, and for every exception that is not needed."""
    yield from _of_packages(rules, pins)
    yield from _of_libraries(rules, versions_found)
    yield from _unneeded_exceptions(rules, pins)


def _of_packages(rules: dict[str, Any], pins: check_locks.Pins) -> Iterator[str]:
    for name, versions in sorted(pins.items()):
        if name in rules["refused"]:
            yield f"{name} is refused: {rules['refused'][name]}"
        rule = rules["packages"].get(name)
        for version in sorted(versions):
            if rule is not None and Version(version) < Version(rule["lowest"]):
                yield f"{name} {version} is below {rule['lowest']}: {rule['why']}"


def _of_libraries(rules: dict[str, Any], versions_found: Versions) -> Iterator[str]:
    for library in sorted(rules["libraries"].keys() - {library for _wheel, library in versions_found}):
        yield f"no wheel says which {library} it holds: it cannot be compared"
    accepted = {(entry["wheel"], entry["library"], entry["version"]) for entry in rules["accepted"]}
    for (wheel, library), version in sorted(versions_found.items()):
        rule = rules["libraries"].get(library)
        if (
            rule is not None
            and Version(version) < Version(rule["lowest"])
            and (wheel, library, version) not in accepted
        ):
            yield f"{library} {version}, in the wheel of {wheel}, is below {rule['lowest']}: {rule['why']}"


def _unneeded_exceptions(rules: dict[str, Any], pins: check_locks.Pins) -> Iterator[str]:
    for entry in rules["accepted"]:
        wheel, library, version = entry["wheel"], entry["library"], entry["version"]
        if entry["release"] not in pins.get(canonicalize_name(wheel), set()):
            yield f"{library} {version} in {wheel} {entry['release']} is accepted, but no lock holds that release: remove the exception"
        elif Version(version) >= Version(rules["libraries"][library]["lowest"]):
            yield f"{library} {version} in {wheel} needs no exception: remove it"


def locked(folder: Path) -> check_locks.Pins:
    """Return the versions of the packages in all locks."""
    found: check_locks.Pins = {}
    for name in LOCKS:
        if (folder / name).exists():
            for package, versions in check_locks.pins(folder / name)[0].items():
                found.setdefault(package, set()).update(versions)
    return found


def ask(program: str, lock: Path) -> tuple[str, bool]:
    """Return what pip-audit's service reports about a lock, and whether it knows a vulnerability."""
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
    looked_up = [package for package in packages if "skip_reason" not in package]
    vulnerabilities = [
        f"{package['name']} {package['version']}: {vulnerability['id']}, mended in {', '.join(vulnerability['fix_versions']) or 'no release'}"
        for package in looked_up
        for vulnerability in package["vulns"]
    ]
    if not looked_up:
        return (
            f"pip-audit's service did not answer for {lock.name}: it knows none of the {len(packages)} packages",
            False,
        )
    return "\n".join(
        [f"pip-audit looked up {len(looked_up)} of the {len(packages)} packages of {lock.name}", *vulnerabilities]
    ), bool(vulnerabilities)


def main() -> None:
    """Print the number of comparisons, then all faults, and exit with 1 if there are any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT)
    parser.add_argument("--service", metavar="PROGRAM", help="pip-audit, to ask its service as well")
    arguments = parser.parse_args()
    rules = tomllib.loads((ROOT / "scripts" / "lowest_versions.toml").read_text(encoding="utf-8"))
    pins, versions_found = locked(arguments.folder), bundled()
    found = list(faults(rules, pins, versions_found))
    compared = sum(library in rules["libraries"] for _wheel, library in versions_found)
    print(f"{len(pins)} packages and {compared} libraries in wheels compared with scripts/lowest_versions.toml")  # noqa: T201 - a command line
    if arguments.service:
        for name in ("requirements.txt", "requirements-dev.txt"):
            message, is_bad = ask(arguments.service, arguments.folder / name)
            print(message)  # noqa: T201 - the same
            found += [f"vulnerabilities are known in {name}, see above"] if is_bad else []
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
