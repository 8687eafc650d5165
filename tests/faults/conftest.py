"""The fault suite. Its table (fault, times tried, lost, stuck, doubled) stands at the end of the run."""

from collections import Counter

import pytest

from tests import factories
from tests.faults.harness import Site

_COLUMNS = ("times", "runs", "lost", "stuck", "doubled", "orphans")


@pytest.fixture
def site(start_worker, tmp_path):
    return Site(start_worker, tmp_path / "gates")


@pytest.fixture
def settled(site, record_property):
    """Wait until runs have ended, count the outcome in the table, and require the expected one."""

    def settled(fault, runs, **expected):
        account = site.settle(runs, **expected)
        record_property("fault", [fault, {column: getattr(account, column) for column in _COLUMNS[1:]}])
        assert account.is_clean, account

    return settled


@pytest.fixture
def large_image(owner):
    """A picture whose decoding and fitting last long enough to be caught in the middle."""
    return factories.make_image(owner, factories.encoded(factories.pixels(3000, 2000), "JPEG"), "large.jpg")


def pytest_terminal_summary(terminalreporter):
    """Print the table of all faults that were tried."""
    table = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            for name, value in report.user_properties if report.when == "call" else ():
                if name == "fault":
                    table.setdefault(value[0], Counter()).update(times=1, **value[1])
    if not table:
        return
    terminalreporter.section("faults")
    terminalreporter.line("| fault | " + " | ".join(_COLUMNS) + " |")
    terminalreporter.line("|" + "---|" * (len(_COLUMNS) + 1))
    for fault, counts in sorted(table.items()):
        terminalreporter.line(f"| {fault} | " + " | ".join(str(counts[column]) for column in _COLUMNS) + " |")
