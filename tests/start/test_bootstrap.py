"""The virtual environment: made once, filled when the lock file changes, left alone otherwise."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BOOTSTRAP = Path(__file__).resolve().parents[2] / "gmmsite" / "deploy" / "bootstrap.py"


@pytest.fixture
def bootstrap(tmp_path: Path):
    def run(lock: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, BOOTSTRAP, "--venv", "environment", lock], cwd=tmp_path, capture_output=True, text=True,
            timeout=120, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    return run


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
