import pytest
from django.db import transaction
from django_tasks.base import TaskResultStatus

from segmentation import tasks
from segmentation.models import Job, Run
from segmentation.models.jobs import State
from segmentation.tasks.rows import RowsBackend

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def rung(monkeypatch):
    """How often the bell has rung."""
    rung = []
    monkeypatch.setattr(type(tasks.run_next), "enqueue", lambda _task: rung.append(True))
    return rung


def test_the_silent_bell_checks_the_task_and_stores_nothing(queued_run):
    result = RowsBackend("default", {}).enqueue(tasks.run_next, (), {})
    assert result.status == TaskResultStatus.READY
    assert Job.objects.get().state == State.QUEUED


def test_who_hears_the_bell_serves_what_waits(queued_run, rung):
    tasks.run_next.call()
    assert Job.objects.get().state == State.SUCCEEDED
    assert rung == []


def test_who_leaves_runs_behind_rings_once(queued_run, rung, monkeypatch):
    monkeypatch.setattr("segmentation.execution.serve_until_empty", lambda: True)
    tasks.run_next.call()
    assert rung == [True]


def test_who_finds_only_runs_of_a_newer_release_does_not_ring(queued_run, rung):
    Run.objects.filter(pk=queued_run.pk).update(recipe={"schema": 99})
    tasks.run_next.call()
    assert Job.objects.get().state == State.QUEUED
    assert rung == []


def test_the_bell_rings_when_the_row_is_there(transactional_db, monkeypatch):
    rung = []
    monkeypatch.setattr(tasks.run_next.get_backend(), "enqueue", lambda *_args: rung.append(True))
    with transaction.atomic():
        tasks.ring_on_commit()
        assert rung == []
    assert rung == [True]


def test_a_lost_bell_does_not_fail_the_request(transactional_db, monkeypatch):
    def broken(*_args):
        raise ConnectionError("no broker")

    monkeypatch.setattr(tasks.run_next.get_backend(), "enqueue", broken)
    with transaction.atomic():
        tasks.ring_on_commit()
