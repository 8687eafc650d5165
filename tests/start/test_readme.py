"""The README and the other documents agree with the code."""

import re
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def names_in_the_settings_table() -> set[str]:
    table = README.partition("## Settings")[2].partition("\n## ")[0]
    return {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}


def names_read_by_the_settings() -> set[str]:
    return set(re.findall(r'env\.\w+\(\s*"(\w+)"', (ROOT / "gmmsite" / "settings.py").read_text()))


def test_every_setting_is_in_the_table_and_nothing_else() -> None:
    assert names_in_the_settings_table() == names_read_by_the_settings()


def test_every_run_time_dependency_has_its_reason() -> None:
    decisions = README.partition("## Decisions")[2].partition("\n## ")[0].lower()
    lines = (ROOT / "requirements.in").read_text().splitlines()
    wanted = {re.match(r"[\w-]+", line)[0] for line in lines if line and not line.startswith("#")}
    assert {name for name in wanted if name not in decisions} == set()


def test_the_examples_in_python_run() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    examples = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert examples
    for example in examples:
        exec(compile(example, "README.md", "exec"), {"pixels": pixels, "other_pixels": pixels[::-1]})  # noqa: S102 - ours


def test_every_link_inside_the_documents_leads_somewhere() -> None:
    for document in ROOT.glob("*.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
            assert (ROOT / target).exists(), f"{document.name} links to {target}"


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for document in ROOT.glob("*.md"):
        assert set(re.findall(r"\bmake ([a-z-]+)`", document.read_text())) <= targets
