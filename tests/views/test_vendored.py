import json
import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENDOR = runpy.run_path(str(ROOT / "scripts" / "vendor.py"))


def test_vendored_files_are_those_of_the_manifest():
    assert VENDOR["differing"]() == []


def test_manifest_has_the_locked_versions_and_a_licence_for_each_package():
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    for name, package in json.loads(VENDOR["MANIFEST"].read_text())["packages"].items():
        assert locked[f"node_modules/{name}"]["version"] == package["version"]
        assert any("LICENSE" in path for path in package["sha256"])


def test_no_vendored_script_refers_to_a_map_that_is_not_there():
    for script in VENDOR["VENDOR"].rglob("*.js"):
        assert b"sourceMappingURL" not in script.read_bytes()
