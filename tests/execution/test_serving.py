"""The loop in this process: what it begins, and what goes wrong inside it."""

import pytest

from segmentation import execution
from segmentation.execution import supervisor
from segmentation.models import Job, Run, Worker
from segmentation.models.jobs import State
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def test_serving_until_nothing_waits_does_everything_and_leaves_no_worker_alive(image, queued_run):
    runs = [factories.make_run(image, n_clusters=n) for n in (2, 3)]
    assert execution.serve_until_empty() is False
    assert set(Job.objects.values_list("pk", "state")) == {
        (job_id, State.SUCCEEDED) for job_id in (queued_run.pk, *(run.pk for run in runs))
    }
    assert not Worker.objects.alive().exists()


def test_serving_begins_nothing_when_its_time_is_up(queued_run):
    assert execution.serve_until_empty(seconds=-1) is True
    assert Job.objects.get().state == State.QUEUED


def test_a_bug_in_one_attempt_ends_only_that_attempt(image, monkeypatch, caplog, media):
    """Here: in what the parent does with a result."""
    broken, whole = factories.make_run(image), factories.make_run(image)
    record = supervisor._record

    def record_most(assignment, product):
        if assignment.run_id == broken.pk:
            raise KeyError("a bug of ours")
        return record(assignment, product)

    monkeypatch.setattr(supervisor, "_record", record_most)
    execution.serve_until_empty()
    job = Job.objects.get(pk=broken.pk)
    assert (job.state, job.error_code) == (State.FAILED, "internal_error")
    assert "a bug of ours" in caplog.text
    assert Job.objects.get(pk=whole.pk).state == State.SUCCEEDED
    assert media.keys(f"runs/{broken.pk}") == []


def test_an_attempt_that_cannot_begin_fails_and_no_other(image):
    broken, whole = factories.make_run(image), factories.make_run(image)
    Run.objects.filter(pk=broken.pk).update(recipe=7)
    execution.serve_until_empty()
    assert Job.objects.get(pk=broken.pk).error_code == "internal_error"
    assert Job.objects.get(pk=whole.pk).state == State.SUCCEEDED


def test_a_machine_without_room_for_a_process_costs_an_attempt(queued_run, monkeypatch, settings):
    settings.GMM_MAX_ATTEMPTS = 1

    def no_room(*_args, **_kwargs):
        raise BlockingIOError("Resource temporarily unavailable")

    monkeypatch.setattr(supervisor, "fork", no_room)
    execution.serve_until_empty()
    job = Job.objects.get()
    assert (job.state, job.error_code, job.attempt) == (State.FAILED, "worker_lost", 1)
