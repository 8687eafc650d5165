"""`make check` notices, without a network, when a lock file no longer holds what was asked for; and locks are installed as they are."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "check_locks.py"
HASH = f" \\\n    --hash=sha256:{'0' * 64}\n"
FRESH = {
    "requirements.in": "# run time\ndjango>=5.2,<5.3\npsycopg[binary]>=3.3\n",
    "requirements.txt": f"django==5.2.19{HASH}psycopg==3.3.9{HASH}sqlparse==0.6.1 ; sys_platform != 'win32'{HASH}",
    "requirements-dev.in": "-c requirements.txt\n-r requirements.in\nPytest_Django\n",
    "requirements-dev.txt": f"django==5.2.19{HASH}psycopg==3.3.9{HASH}pytest-django==4.14.0{HASH}"
    f"sqlparse==0.6.1 ; sys_platform != 'win32'{HASH}",
}


@pytest.fixture
def check(tmp_path: Path):
    def run(**changes: tuple[str, str, str]) -> tuple[int, str]:
        for name, text in FRESH.items():
            (tmp_path / name).write_text(text)
        for name, old, new in changes.values():
            assert old in FRESH[name]
            (tmp_path / name).write_text(FRESH[name].replace(old, new))
        done = subprocess.run(
            [sys.executable, SCRIPT, tmp_path], capture_output=True, text=True, timeout=30, check=False
        )
        return done.returncode, done.stderr

    return run


def test_fresh_locks_pass_in_silence(check) -> None:
    assert check() == (0, "")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("requirements.in", "psycopg[", "pillow\npsycopg["), "requirements.txt lacks pillow, which requirements.in asks for"),
        (("requirements-dev.in", "Pytest_", "ruff\nPytest_"), "requirements-dev.txt lacks ruff"),
        (("requirements.in", "<5.3", "<5.2.5"), "holds django 5.2.19, but requirements.in asks for"),
        (("requirements.txt", f"psycopg==3.3.9{HASH}", "psycopg==3.3.9\n"), "requirements.txt: psycopg has no hash"),
        (("requirements-dev.txt", "sqlparse==0.6.1", "sqlparse==0.6.0"), "disagree on sqlparse"),
    ],
)  # fmt: skip
def test_stale_locks_are_named(check, change, sentence) -> None:
    code, said = check(change=change)
    assert code == 1
    assert sentence in said
    assert said.endswith("Run: make lock\n")


def test_whatever_installs_a_lock_does_not_resolve_it_anew() -> None:
    """pip up to 23 resolves extras once more, and refuses a complete lock as soon as something newer has come out."""
    places = [
        ROOT / "README.md",
        ROOT / "Makefile",
        *ROOT.glob(".ci/*"),
        *(ROOT / "gmmsite" / "deploy").rglob("*"),
        *ROOT.glob("scripts/*"),
    ]
    lines = [
        f"{path.name}: {line.strip()}"
        for path in places
        if path.is_file() and path.suffix != ".pyc"
        for line in path.read_text().splitlines()
        if re.search(r"--require-hashes|pip\b.* install\b.*requirements\S*\.txt", line)
    ]
    assert len(lines) >= 3, "README, Dockerfile and bootstrap at least"
    assert [line for line in lines if "--no-deps" not in line] == []
