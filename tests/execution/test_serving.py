"""The worker's loop in this process: which jobs it starts, and how it handles errors."""

import time
import uuid

import numpy as np
import pytest
from django.db import IntegrityError, InterfaceError, OperationalError

from segmentation import execution, files, services
from segmentation.engine.recipe import Recipe
from segmentation.execution import supervisor
from segmentation.models import Job, Result, Run, Worker
from segmentation.models.jobs import JobQuerySet, State
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


def test_while_a_long_run_is_under_way_short_ones_are_begun_when_the_time_is_up(image, monkeypatch):
    """A task of RQ runs jobs for a minute; no other task can use the slots of its worker until a long run has ended."""
    noise = np.random.default_rng(0).integers(0, 256, (600, 800, 3), dtype=np.uint8)
    large = factories.make_image(image.owner, factories.encoded(noise), "noise.png")
    long = services.create_run(
        image=large, recipe=Recipe(n_clusters=32, restarts=20, exact=True, texture=2, position=True)
    )
    seconds, began, late = 2.0, time.monotonic(), []
    claim = JobQuerySet.claim

    def claim_and_queue_another(jobs, job_id, *, worker_id):
        if job_id != long.pk and time.monotonic() - began > seconds:
            late.append(job_id)
            services.cancel_run(run=Run.objects.get(pk=long.pk))
        elif job_id != long.pk:
            factories.make_run(image)
        return claim(jobs, job_id, worker_id=worker_id)

    factories.make_run(image)
    monkeypatch.setattr(JobQuerySet, "claim", claim_and_queue_another)
    execution.serve_until_empty(seconds=seconds)
    assert len(late) == 1
    assert Job.objects.get(pk=late[0]).state == State.SUCCEEDED


@pytest.mark.parametrize("bug", [KeyError, IntegrityError])
def test_a_bug_in_one_attempt_ends_only_that_attempt(image, monkeypatch, caplog, media, bug):
    """The bug is in the parent's code that stores a result."""
    broken, whole = factories.make_run(image), factories.make_run(image)
    record = supervisor._record

    def record_most(assignment, product):
        if assignment.job_id == broken.pk:
            raise bug("a bug of ours")
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


def test_a_machine_without_room_for_a_process_costs_no_attempt(queued_run, monkeypatch):
    """The attempt does not count, and the run is tried again a moment later."""
    tries = []
    fork = supervisor.fork

    def no_room_at_first(*args, **kwargs):
        tries.append(Job.objects.get().attempt)
        if len(tries) == 1:
            raise BlockingIOError("Resource temporarily unavailable")
        return fork(*args, **kwargs)

    monkeypatch.setattr(supervisor, "fork", no_room_at_first)
    execution.serve_until_empty()
    job = Job.objects.get()
    assert (job.state, job.attempt, tries) == (State.SUCCEEDED, 1, [1, 1])


@pytest.mark.parametrize("lost", [OperationalError, InterfaceError])
def test_a_result_stands_when_only_the_news_of_its_commit_was_lost(queued_run, monkeypatch, lost):
    """The database restarts at that moment: the lease has ended, and the files of the attempt belong to the result."""
    record = supervisor._record

    def record_and_lose_the_connection(assignment, product):
        if record(assignment, product):
            raise lost("server closed the connection unexpectedly")
        return False

    monkeypatch.setattr(supervisor, "_record", record_and_lose_the_connection)
    execution.serve_until_empty()
    assert Job.objects.get().state == State.SUCCEEDED
    for stored in Result.objects.get().files.values():
        assert files.exists(stored["key"])


@pytest.mark.parametrize("lost", [OperationalError, InterfaceError])
def test_a_database_that_is_away_for_a_moment_ends_no_attempt(queued_run, monkeypatch, lost):
    tries = []
    record = supervisor._record

    def find_nobody_at_first(assignment, product):
        tries.append(assignment.attempt)
        if len(tries) == 1:
            raise lost("the connection is closed")
        return record(assignment, product)

    monkeypatch.setattr(supervisor, "_record", find_nobody_at_first)
    execution.serve_until_empty()
    assert (Job.objects.get().state, tries) == (State.SUCCEEDED, [1, 1])


def test_a_worker_that_finds_no_database_looks_again(queued_run, monkeypatch):
    looked = []
    claim = JobQuerySet.claim

    def claim_later(jobs, job_id, *, worker_id):
        looked.append(job_id)
        if len(looked) == 1:
            raise InterfaceError("the connection is closed")
        return claim(jobs, job_id, worker_id=worker_id)

    monkeypatch.setattr(JobQuerySet, "claim", claim_later)
    execution.serve_until_empty()
    assert (Job.objects.get().state, len(looked)) == (State.SUCCEEDED, 2)


def test_what_lost_attempts_have_stored_goes_when_the_run_is_done(queued_run, media):
    """The workers of these attempts were killed before they could delete the files."""
    left = files.run_key(queued_run.pk, uuid.uuid4(), "components.png")
    files.put(left, b"of an attempt that nobody knows any more")
    Job.objects.update(attempt=1)
    execution.serve_until_empty()
    assert not files.exists(left)
    kept = files.run_prefix(queued_run.pk, Result.objects.get().lease)
    assert all(key.startswith(f"{kept}/") for key in media.keys(files.run_prefix(queued_run.pk)))
