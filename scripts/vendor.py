"""Copy the JavaScript packages of package-lock.json to static/vendor, each with its licence and hash.

`python scripts/vendor.py` installs the locked `dependencies` into a temporary folder and copies what is listed below. For a package
that JavaScript modules import, list its `.d.ts` as well: `make check` expects the types beside the script.
`python scripts/vendor.py --check` compares the committed files with the manifest; it needs neither Node.js nor a network.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENDOR = ROOT / "static" / "vendor"
MANIFEST = VENDOR / "manifest.json"
# Package -> its files, as paths inside the package; they are stored side by side under static/vendor/<package>/.
FILES = {"openseadragon": ("build/openseadragon/openseadragon.min.js", "LICENSE.txt")}
# Source maps are not copied, and collectstatic stops at a reference to a file that is not there.
_SOURCE_MAP = re.compile(rb"\n?//[#@] sourceMappingURL=\S+\s*\Z")


def main(arguments: list[str]) -> int:
    """Copy, or with `--check` compare; returns the exit code."""
    if arguments == ["--check"]:
        wrong = differing()
        sys.stderr.writelines(f"{path} is not what the manifest says: run python scripts/vendor.py\n" for path in wrong)
        return 1 if wrong else 0
    copy()
    return 0


def differing() -> list[str]:
    """Return the sorted paths below static/vendor that are missing, changed or not in the manifest."""
    expected: dict[str, str] = {}
    for package in json.loads(MANIFEST.read_text())["packages"].values():
        expected |= package["sha256"]
    found = {
        path.relative_to(VENDOR).as_posix(): _sha256(path.read_bytes())
        for path in VENDOR.rglob("*")
        if path.is_file() and path != MANIFEST
    }
    return sorted(path for path in expected.keys() | found.keys() if expected.get(path) != found.get(path))


def copy() -> None:
    """Install the locked packages into a temporary folder, and replace static/vendor by their listed files."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(ROOT / name, folder)
        command: list[str | Path] = [
            sys.executable,
            ROOT / "scripts" / "node.py",
            "npm",
            "ci",
            "--omit=dev",
            "--prefix",
            folder,
        ]
        subprocess.run(command, check=True)  # noqa: S603 - a fixed command
        packages = {name: _take(Path(folder) / "node_modules" / name, name) for name in sorted(FILES)}
    MANIFEST.write_text(json.dumps({"packages": packages}, indent=2) + "\n")


def _take(source: Path, name: str) -> dict[str, object]:
    described = json.loads((source / "package.json").read_text())
    target = VENDOR / name
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    hashes = {}
    for inside in FILES[name]:
        content = _SOURCE_MAP.sub(b"\n", (source / inside).read_bytes())
        path = target / Path(inside).name
        path.write_bytes(content)
        hashes[path.relative_to(VENDOR).as_posix()] = _sha256(content)
    return {"version": described["version"], "license": described["license"], "sha256": hashes}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
