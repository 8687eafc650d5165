"""`make audit`: no package and no library inside a wheel is older than the list with its reasons admits."""

import copy
import importlib.util
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "audit.py"
RULES = tomllib.loads((ROOT / "scripts" / "lowest_versions.toml").read_text())
HASH = f" \\\n    --hash=sha256:{'0' * 64}\n"


@pytest.fixture(scope="module")
def audit():
    specification = importlib.util.spec_from_file_location("audit", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_locks_and_the_wheels_that_are_installed_pass() -> None:
    done = subprocess.run([sys.executable, SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_requirement_on_the_discontinued_package_is_refused(tmp_path) -> None:
    lock = (ROOT / "requirements.txt").read_text()
    (tmp_path / "requirements.txt").write_text(f"{lock}Pi_HEIF==1.4.0{HASH}pillow==12.1.0{HASH}")
    done = subprocess.run([sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "pi-heif is refused: discontinued" in done.stderr
    assert "pillow 12.1.0 is below 12.3.0: PYSEC-2026-2253" in done.stderr


@pytest.mark.parametrize(
    ("key", "version", "reason"),
    [
        (("pillow-heif", "libheif"), "1.23.0", "GHSA-g89c-p67h-r497"),  # what pi-heif 1.4.0 holds
        (("pillow-heif", "libde265"), "1.1.0", "GHSA-xp3h-6f5r-8cxp"),
        (("pillow", "libtiff"), "4.7.1", "CVE-2026-4775"),
        (("imagecodecs", "libpng"), "1.6.9", "CVE-2026-34757"),  # 9 is less than 57
        (("pillow", "libwebp"), "1.3.1", "CVE-2023-4863"),
    ],
)
def test_an_old_library_inside_a_wheel_is_named_with_the_reason(audit, key, version, reason) -> None:
    told = audit.bundled()
    assert key in told, "the wheel says what it holds"
    (fault,) = audit.faults(RULES, audit.locked(ROOT), told | {key: version})
    assert fault.startswith(f"{key[1]} {version}, in the wheel of {key[0]}, is below ")
    assert reason in fault


def test_what_is_accepted_in_one_wheel_is_not_accepted_in_another(audit) -> None:
    told = audit.bundled() | {("imagecodecs", "libtiff"): "4.7.1"}
    assert not [fault for fault in audit.faults(RULES, audit.locked(ROOT), told) if "libtiff" in fault]
    told |= {("pillow", "libtiff"): "4.7.1"}
    assert [fault for fault in audit.faults(RULES, audit.locked(ROOT), told) if "libtiff" in fault]


def test_an_exception_that_nothing_needs_any_more_must_go(audit) -> None:
    pins = audit.locked(ROOT) | {"imagecodecs": {"2027.1.1"}}
    faults = list(audit.faults(RULES, pins, audit.bundled()))
    assert any(
        "libtiff 4.7.1 in imagecodecs 2026.3.6 is accepted, but no lock holds that release" in fault for fault in faults
    )
    rules = copy.deepcopy(RULES)
    rules["libraries"]["openjpeg"]["lowest"] = "2.5.4"
    assert any("needs no exception" in fault for fault in audit.faults(rules, audit.locked(ROOT), audit.bundled()))


def test_a_library_of_which_no_wheel_tells_the_version_is_not_taken_for_good(audit) -> None:
    told = {key: version for key, version in audit.bundled().items() if key[1] != "libheif"}
    assert list(audit.faults(RULES, audit.locked(ROOT), told)) == [
        "no wheel says which libheif it holds: it cannot be compared"
    ]


@pytest.mark.parametrize(
    ("answer", "said", "is_bad"),
    [
        ('{"dependencies": [{"name": "a", "skip_reason": "not found"}]}', "did not answer", False),
        ("", "did not answer", False),
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}', "looked up 1 of the 1 packages", False),
        (
            '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}]}',
            "a 1: PYSEC-1, mended in 2",
            True,
        ),
    ],
)  # fmt: skip
def test_whether_the_service_answered_is_said(audit, tmp_path, answer, said, is_bad) -> None:
    program = tmp_path / "pip-audit"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{answer}\nEND\n")
    program.chmod(0o755)
    text, bad = audit.ask(str(program), ROOT / "requirements.txt")
    assert said in text
    assert bad is is_bad
