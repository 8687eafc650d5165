"""Mutation testing with Cosmic Ray (`make mutate`): change the code at one location at a time, and run tests on each change.

It works in a copy of the checkout, takes hours, and can be interrupted and resumed. First all tests of the layers run once with
coverage, to find which tests execute which line and how long each takes. Then locations are drawn at random, each with one
mutation, and tested with the fastest tests that execute its line, until the time is up. A mutation that no test fails for is a
survivor: add a test for it, or say why it changes nothing.
"""

import argparse
import ast
import hashlib
import os
import random
import shlex
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cosmic_ray.commands import init
from cosmic_ray.mutating import mutate_and_test
from cosmic_ray.work_db import WorkDB, use_db
from cosmic_ray.work_item import MutationSpec, TestOutcome, WorkItem
from coverage import CoverageData

ROOT = Path(__file__).resolve().parent.parent
MUTATED = ("models", "services", "execution", "files.py", "http.py", "middleware.py", "api")
TESTS = (
    *("tests/models", "tests/files", "tests/services", "tests/execution", "tests/tasks", "tests/upkeep", "tests/api"),
    *("tests/views", "tests/access", "tests/attacks"),
)
NEARBY = {"http.py": "tests/views", "middleware.py": "tests/attacks", "files.py": "tests/files"}
"""Tests of modules whose lines no recorded test executes, because a forked child or an import does."""

SECONDS = 30.0  # of tests for one mutation, by their times without it
PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", "--no-header"]


@dataclass(frozen=True)
class KnownTests:
    """The tests that execute each line, and the seconds of each test."""

    by_line: dict[tuple[str, int], frozenset[str]]
    seconds: dict[str, float]

    def of(self, mutation: MutationSpec) -> tuple[list[str], int]:
        """Return the tests to run on a mutation, those of its module first, and how many are left out to save time."""
        path = str(mutation.module_path)
        lines = range(mutation.start_pos[0], mutation.end_pos[0] + 1)
        known = set().union(*(self.by_line.get((path, line), frozenset()) for line in lines))
        if not known:
            name = Path(path).parts[1]
            return [NEARBY.get(name, f"tests/{name}")], 0
        chosen: list[str] = []
        spent = 0.0
        for test in sorted(known, key=lambda test: (_distance(test, path), self.seconds.get(test, 1.0))):
            spent += self.seconds.get(test, 1.0)
            if spent > SECONDS and len(chosen) >= 3:
                break
            chosen.append(test)
        return chosen, len(known) - len(chosen)


def _distance(test: str, path: str) -> int:
    """Return the distance of a test from a module: 0 in a file with its name, 1 in the folder of its package, else 2."""
    package, stem = Path(path).parts[1].removesuffix(".py"), Path(path).stem
    folder = test.startswith(f"tests/{package}/")
    return 0 if folder and stem in test.partition("::")[0] else 1 if folder else 2


def main() -> None:
    """Continue the session of these sources, or start one; print score and survivors."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--minutes",
        type=float,
        default=180.0,
        help="for mutations, at most 180; the first run of all tests comes in addition",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the random choice of locations and their order")
    parser.add_argument("--only", default="", help="a part of the path of the modules, for example services/legends")
    parser.add_argument("--tests", nargs="*", default=TESTS, help="folders and files of tests, for a part of the code")
    parser.add_argument("--folder", type=Path, default=ROOT / ".make" / "mutation")
    arguments = parser.parse_args()
    arguments.folder = arguments.folder.resolve()
    copy = copied(arguments.folder)
    known = known_tests(arguments.folder, copy, arguments.tests)
    os.chdir(copy)  # Cosmic Ray names modules by their path from here
    with use_db(arguments.folder / f"session-{arguments.seed}.sqlite") as session:
        if not session.num_work_items:
            init([path.relative_to(copy) for path in modules(copy)], session, {})
        run_mutations(
            session, drawn(session, arguments), known, until=time.monotonic() + 60 * min(arguments.minutes, 180)
        )
        report(session, known)


def copied(folder: Path) -> Path:
    """Return a new copy of the checkout; results for other sources are deleted."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S607 - the git of the user
    names = sorted(name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())
    state = hashlib.sha256()
    for name in names:
        if name.startswith(("segmentation/", "tests/", "gmmsite/", "templates/")):
            state.update(name.encode() + (ROOT / name).read_bytes())
    stamp, copy = folder / "sources", folder / "checkout"
    if stamp.exists() and stamp.read_text() != state.hexdigest():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy / name)
    (copy / ".make").mkdir(exist_ok=True)
    stamp.write_text(state.hexdigest())
    return copy


def modules(copy: Path) -> Iterator[Path]:
    for name in MUTATED:
        path = copy / "segmentation" / name
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def known_tests(folder: Path, copy: Path, tests: Sequence[str]) -> KnownTests:
    """Run the tests once, unless there are results, and return the lines that they execute."""
    data, times, settings = folder / "coverage", folder / "tests.xml", folder / "coveragerc"
    if not times.exists():
        settings.write_text(f"[run]\nsource = segmentation\ndata_file = {data}\n")
        coverage = ["--cov", f"--cov-config={settings}", "--cov-context=test", "--cov-report="]
        command = [*PYTEST, *coverage, f"--junitxml={times}.part", "-o", "junit_family=xunit1", *tests]
        say(f"Running {', '.join(tests)} once.")
        if subprocess.run(command, cwd=copy, check=False).returncode:  # noqa: S603 - our own command
            sys.exit("The tests fail without any mutation.")
        times.with_name(f"{times.name}.part").rename(times)
    seconds = {
        f"{case.get('file')}::{case.get('name')}": float(case.get("time", 0))
        for case in ET.parse(times).iter("testcase")  # noqa: S314 - pytest has written it
    }
    lines: dict[tuple[str, int], set[str]] = defaultdict(set)
    coverage_data = CoverageData(str(data))
    coverage_data.read()
    for file in coverage_data.measured_files():
        path = str(Path(file).relative_to(copy))
        for line, contexts in coverage_data.contexts_by_lineno(file).items():
            lines[path, line] |= {context.rpartition("|")[0] for context in contexts if "|" in context}
    return KnownTests({location: frozenset(tests) for location, tests in lines.items()}, seconds)


def drawn(session: WorkDB, arguments: argparse.Namespace) -> list[WorkItem]:
    """Return one mutation of each location in a random order, without those of type annotations."""
    by_location: dict[tuple[str, tuple[int, int]], list[WorkItem]] = defaultdict(list)
    annotations: dict[str, list[tuple[tuple[int, int], tuple[int, int]]]] = {}
    for item in session.work_items:
        mutation = item.mutations[0]
        path = str(mutation.module_path)
        if path not in annotations:
            annotations[path] = list(annotated(Path(path)))
        start = tuple(mutation.start_pos)
        is_annotation = any(first <= start < last for first, last in annotations[path])
        if not is_annotation and not mutation.operator_name.endswith("NoOp"):
            by_location[path, start].append(item)
    dice = random.Random(arguments.seed)  # noqa: S311 - a sample, no secret
    chosen = []
    for location in sorted(by_location):
        variants = sorted(
            by_location[location], key=lambda item: (item.mutations[0].operator_name, item.mutations[0].occurrence)
        )
        chosen.append(dice.choice(variants))
    dice.shuffle(chosen)
    return [item for item in chosen if arguments.only in str(item.mutations[0].module_path)]


def annotated(path: Path) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield start and end of each type annotation of a module, as lines from 1 and columns from 0."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        for name in ("annotation", "returns"):
            part = getattr(node, name, None)
            if isinstance(part, ast.expr) and part.end_lineno is not None and part.end_col_offset is not None:
                yield (part.lineno, part.col_offset), (part.end_lineno, part.end_col_offset)


def run_mutations(session: WorkDB, items: list[WorkItem], known: KnownTests, *, until: float) -> None:
    """Test mutations that have no result yet until the time is up."""
    done = {job_id for job_id, _result in session.results}
    waiting = [item for item in items if item.job_id not in done]
    say(f"{len(items)} locations, {len(items) - len(waiting)} of them done.")
    for item in waiting:
        if time.monotonic() > until:
            break
        mutation = item.mutations[0]
        tests, _left_out = known.of(mutation)
        limit = 60 + 4 * sum(known.seconds.get(test, SECONDS) for test in tests)
        started = time.monotonic()
        result = mutate_and_test(item.mutations, shlex.join([*PYTEST, "-x", *tests]), limit)
        session.set_result(item.job_id, result)
        outcome = result.test_outcome.value if result.test_outcome else "not tried"
        say(f"{outcome:11} {time.monotonic() - started:5.1f} s  {mutation.module_path}:{mutation.start_pos[0]}")


def report(session: WorkDB, known: KnownTests) -> None:
    """Print the survivors, and the score of each package."""
    score: dict[str, Counter[str]] = defaultdict(Counter)
    for item, result in session.completed_work_items:
        mutation = item.mutations[0]
        outcome = "survived" if result.test_outcome is TestOutcome.SURVIVED else "killed"
        score[Path(mutation.module_path).parts[1]][outcome] += 1
        if outcome == "survived":
            tests, left_out = known.of(mutation)
            more = f", {left_out} slower ones left out" if left_out else ""
            say(f"\nSurvived {len(tests)} tests or folders{more}: {mutation.operator_name}\n{result.diff}")
    say("\n" + "\n".join(lines_of(score)))


def lines_of(score: dict[str, Counter[str]]) -> Iterable[str]:
    for name, counts in [*sorted(score.items()), ("all", sum(score.values(), Counter()))]:
        tried = counts.total()
        yield f"{name:12} {counts['killed']:4} of {tried:4} killed ({counts['killed'] / max(tried, 1):.0%})"


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - a command line


if __name__ == "__main__":
    main()
