"""Rows that the parent writes for a child, a few at a time."""

import pytest
from django.db import OperationalError

from segmentation.execution import spool
from segmentation.execution.spool import Spool, SpoolError

ROWS = [f"row {number}\n".encode() for number in range(50)]


@pytest.fixture
def make_spool():
    made = []

    def make_spool(rows):
        made.append(Spool(rows))
        return made[-1]

    yield make_spool
    for each in made:
        each.close()


def fill(spooled):
    """Fill the spool to the end; returns the number of calls."""
    turns = 1
    while not spooled.fill():
        turns += 1
    return turns


def test_all_rows_are_there_in_their_order(make_spool):
    spooled = make_spool(lambda: iter(ROWS))
    assert fill(spooled) == 1
    assert list(spooled.file) == ROWS


def test_others_have_their_turn_meanwhile(make_spool, monkeypatch):
    monkeypatch.setattr(spool, "FILL_SECONDS", 0.0)
    spooled = make_spool(lambda: iter(ROWS))
    assert fill(spooled) == len(ROWS) + 1
    assert list(spooled.file) == ROWS


def test_after_a_pause_of_the_database_it_begins_again_and_has_each_row_once(make_spool, monkeypatch):
    monkeypatch.setattr(spool, "FILL_SECONDS", 0.0)
    tries = []

    def rows():
        tries.append(True)
        yield from ROWS[:20]
        if len(tries) == 1:
            raise OperationalError("the connection is closed")
        yield from ROWS[20:]

    spooled = make_spool(rows)
    with pytest.raises(OperationalError):
        fill(spooled)
    fill(spooled)
    assert list(spooled.file) == ROWS


def test_a_full_disk_is_said(make_spool, small_disk):
    spooled = make_spool(lambda: iter([bytes(1_000_000)] * 20))
    with pytest.raises(SpoolError) as raised:
        fill(spooled)
    assert raised.value.storage_error.code == "storage_unavailable"
