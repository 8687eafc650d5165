import pytest
from django.db import transaction
from django_tasks.base import TaskResultStatus

from segmentation import tasks
from segmentation.models import Job, Run
from segmentation.models.jobs import State
from segmentation.tasks.rows import RowsBackend

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def woken(monkeypatch):
    """How often a wake-up was enqueued."""
    woken = []
    monkeypatch.setattr(type(tasks.run_next), "enqueue", lambda _task: woken.append(True))
    return woken


def test_the_backend_for_one_machine_checks_the_task_and_stores_nothing(queued_run):
    result = RowsBackend("default", {}).enqueue(tasks.run_next, (), {})
    assert result.status == TaskResultStatus.READY
    assert Job.objects.get().state == State.QUEUED


def test_a_wake_up_serves_what_waits(queued_run, woken):
    tasks.run_next.call()
    assert Job.objects.get().state == State.SUCCEEDED
    assert woken == []


def test_a_worker_that_leaves_runs_enqueues_one_wake_up(queued_run, woken, monkeypatch):
    monkeypatch.setattr("segmentation.execution.serve_until_empty", lambda: True)
    tasks.run_next.call()
    assert woken == [True]


def test_a_worker_that_finds_only_runs_of_a_newer_release_enqueues_none(queued_run, woken):
    Run.objects.filter(pk=queued_run.pk).update(recipe={"schema": 99})
    tasks.run_next.call()
    assert Job.objects.get().state == State.QUEUED
    assert woken == []


def test_the_wake_up_is_enqueued_when_the_row_is_there(transactional_db, monkeypatch):
    woken = []
    monkeypatch.setattr(tasks.run_next.get_backend(), "enqueue", lambda *_args: woken.append(True))
    with transaction.atomic():
        tasks.wake_workers_on_commit()
        assert woken == []
    assert woken == [True]


def test_a_lost_wake_up_does_not_fail_the_request(transactional_db, monkeypatch):
    def broken(*_args):
        raise ConnectionError("no broker")

    monkeypatch.setattr(tasks.run_next.get_backend(), "enqueue", broken)
    with transaction.atomic():
        tasks.wake_workers_on_commit()
