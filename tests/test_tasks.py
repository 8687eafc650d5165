import pytest
from django.db import transaction
from django_tasks import task_backends
from django_tasks.base import TaskResultStatus

from segmentation import tasks
from segmentation.models import Job
from segmentation.models.jobs import State

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_bell_is_silent_on_one_machine(queued_run):
    """Ringing checks the task and stores nothing: the worker looks at the rows."""
    result = tasks.run_next.enqueue()
    assert result.status == TaskResultStatus.READY
    assert isinstance(task_backends[result.backend], tasks.RowsBackend)
    assert Job.objects.get().state == State.QUEUED


def test_who_hears_the_bell_serves_what_waits(queued_run):
    tasks.run_next.call()
    assert Job.objects.get().state == State.SUCCEEDED


def test_the_bell_rings_when_the_row_is_there(transactional_db, monkeypatch):
    rung = []
    monkeypatch.setattr(tasks.RowsBackend, "enqueue", lambda *_args: rung.append(True))
    with transaction.atomic():
        tasks.ring_on_commit()
        assert rung == []
    assert rung == [True]


def test_a_lost_bell_does_not_fail_the_request(transactional_db, monkeypatch):
    def broken(*_args):
        raise ConnectionError("no broker")

    monkeypatch.setattr(tasks.RowsBackend, "enqueue", broken)
    with transaction.atomic():
        tasks.ring_on_commit()
