"""The virtual environment: made once, filled when the lock file changes, left alone otherwise."""

import functools
import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

BOOTSTRAP = Path(__file__).resolve().parents[2] / "gmmsite" / "deploy" / "bootstrap.py"


def run_bootstrap(folder: Path, lock: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, BOOTSTRAP, "--venv", "environment", lock], cwd=folder, capture_output=True, text=True,
        timeout=300, check=False, stdin=subprocess.DEVNULL,
        env=os.environ | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder / "wheels")},
    )  # fmt: skip


@pytest.fixture
def bootstrap(tmp_path: Path):
    return functools.partial(run_bootstrap, tmp_path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one environment, for tests that can share it: to make one takes seconds."""
    return tmp_path_factory.mktemp("shared")


def locked(folder: Path, name: str, *, requires: str = "") -> str:
    """Make a wheel, and return its line for a lock."""
    wheel, details = folder / "wheels" / f"{name}-1.0-py3-none-any.whl", f"{name}-1.0.dist-info"
    wheel.parent.mkdir(exist_ok=True)
    needs = f"Requires-Dist: {requires}\n" if requires else ""
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr(f"{name}.py", "")
        file.writestr(f"{details}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}")
        file.writestr(
            f"{details}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(
            f"{details}/RECORD", f"{name}.py,,\n{details}/METADATA,,\n{details}/WHEEL,,\n{details}/RECORD,,\n"
        )
    return f"{name}==1.0 \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


def modules(folder: Path) -> set[str]:
    """The modules that the wheels of these tests have brought into the environment."""
    return {path.stem for path in (folder / "environment").glob("lib/python*/site-packages/a_*.py")}


def test_an_unchanged_lock_file_is_not_installed_again(bootstrap, tmp_path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text("# nothing yet\n")
    first = bootstrap(lock)
    assert first.returncode == 0, first.stderr
    assert "Installing requirements.txt" in first.stdout

    (packages,) = (tmp_path / "environment").glob("lib/python*/site-packages")
    shutil.rmtree(packages / "pip")  # whoever runs pip now fails
    second = bootstrap(lock)
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")

    lock.write_text("# changed\n")
    third = bootstrap(lock)
    assert third.returncode == 0, third.stderr
    assert "Installing requirements.txt" in third.stdout
    assert (packages / "pip").exists(), "an environment that cannot install is made anew"


def test_what_cannot_be_installed_is_said_and_tried_again_next_time(bootstrap, tmp_path) -> None:
    lock = tmp_path / "requirements.txt"
    lock.write_text(f"./missing-1.0-py3-none-any.whl --hash=sha256:{'0' * 64}\n")
    for _ in range(2):
        done = bootstrap(lock)
        assert done.returncode != 0
        assert "missing-1.0" in done.stderr
        assert "requirements.txt could not be installed" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_lock_is_installed_as_it_stands_and_nothing_is_looked_up(folder) -> None:
    """Old versions of pip resolve extras anew, and refuse a lock when something newer has come out."""
    lock = folder / "complete.txt"
    lock.write_text(locked(folder, "a_complete", requires="a_missing[extra]>=2"))
    done = run_bootstrap(folder, lock)
    assert done.returncode == 0, done.stderr
    assert "a_complete" in modules(folder)


def test_what_leaves_the_lock_leaves_the_environment(folder) -> None:
    kept, dangerous, tool = (locked(folder, name) for name in ("a_kept", "a_dangerous", "a_tool"))
    run, dev = folder / "requirements.txt", folder / "requirements-dev.txt"
    run.write_text(kept + dangerous)
    dev.write_text(kept + dangerous + tool)
    for lock in (run, dev):
        assert run_bootstrap(folder, lock).returncode == 0
    assert modules(folder) >= {"a_kept", "a_dangerous", "a_tool"}

    run.write_text(kept)
    assert run_bootstrap(folder, run).returncode == 0
    assert modules(folder) >= {"a_kept", "a_tool"}
    assert "a_dangerous" not in modules(folder), "no other lock keeps it alive"
    assert run_bootstrap(folder, dev).returncode == 0
    assert "a_dangerous" in modules(folder), "but one that still has it brings it back"


def test_an_environment_of_which_nobody_knows_the_packages_is_made_anew(folder) -> None:
    lock = folder / "requirements.txt"
    lock.write_text(locked(folder, "a_dangerous"))
    assert run_bootstrap(folder, lock).returncode == 0
    (folder / "environment" / "requirements.installed").write_text(f"{'0' * 64} python3.11")  # as written before 0.1
    lock.write_text(locked(folder, "a_kept"))
    assert run_bootstrap(folder, lock).returncode == 0
    assert modules(folder) == {"a_kept"}
