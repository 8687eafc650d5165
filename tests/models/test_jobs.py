"""The state changes of a job: each is possible once, from the right states only."""

import threading
import uuid
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from segmentation.models import Job, Worker
from segmentation.models.jobs import TERMINAL, State

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def job(owner):
    return Job.objects.create(owner=owner)


@pytest.fixture
def lease(job, worker_row):
    """The lease of the job, which a worker has claimed."""
    return Job.objects.claim(job.pk, worker_id=worker_row.pk)


def fresh(job):
    return Job.objects.get(pk=job.pk)


def silence(job):
    """Let the lease expire."""
    Job.objects.filter(pk=job.pk).update(lease_until=F("lease_until") - timedelta(hours=1))


def test_a_claim_takes_the_job_for_a_lease(job, worker_row, settings):
    lease = Job.objects.claim(job.pk, worker_id=worker_row.pk)
    claimed = fresh(job)
    assert (claimed.state, claimed.lease, claimed.worker, claimed.attempt) == (State.RUNNING, lease, worker_row, 1)
    assert claimed.lease_until - claimed.claimed == timedelta(seconds=settings.GMM_LEASE_SECONDS)
    assert claimed.started == claimed.claimed


def test_a_job_is_claimed_once(job, worker_row):
    leases = []
    together = threading.Barrier(8)

    def claim():
        together.wait()
        leases.append(Job.objects.claim(job.pk, worker_id=worker_row.pk))
        connection.close()

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(leases) == 8
    assert [lease for lease in leases if lease] == [fresh(job).lease]
    assert fresh(job).attempt == 1


def test_a_beat_extends_the_lease_and_writes_the_progress(job, lease):
    silence(job)
    assert Job.objects.stalled().get() == job
    assert Job.objects.extend_lease(lease, stage="fitting", percent=42)
    assert (fresh(job).stage, fresh(job).percent) == ("fitting", 42)
    assert not Job.objects.stalled().exists()


def test_success_ends_the_job(job, lease):
    assert Job.objects.succeed(lease)
    ended = fresh(job)
    assert (ended.state, ended.lease, ended.percent) == (State.SUCCEEDED, None, 100)
    assert ended.finished >= ended.started


def test_failure_ends_the_job_with_a_code_and_a_sentence(job, lease):
    assert Job.objects.fail(lease, code="deadline", detail="It took too long.")
    ended = fresh(job)
    assert (ended.state, ended.error_code, ended.error_detail) == (State.FAILED, "deadline", "It took too long.")
    assert ended.lease is None


@pytest.mark.parametrize(("counted", "attempt"), [(True, 1), (False, 0)])
def test_a_requeued_job_keeps_its_position(job, lease, counted, attempt):
    assert Job.objects.requeue(lease, counted=counted)
    waiting = fresh(job)
    assert (waiting.state, waiting.queued, waiting.attempt, waiting.started) == (
        State.QUEUED,
        job.queued,
        attempt,
        None,
    )
    assert waiting.claimed is not None, "its owner was served all the same"


CHANGES = {
    "beat": lambda lease: Job.objects.extend_lease(lease, stage="fitting", percent=1),
    "succeed": Job.objects.succeed,
    "fail": lambda lease: Job.objects.fail(lease, code="crashed", detail="It crashed."),
    "requeue": lambda lease: Job.objects.requeue(lease, counted=True),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whoever_has_lost_the_lease_changes_nothing(job, lease, worker_row, change):
    assert Job.objects.requeue(lease, counted=True)
    newer = Job.objects.claim(job.pk, worker_id=worker_row.pk)
    before = Job.objects.filter(pk=job.pk).values().get()
    assert not change(lease)
    assert not change(uuid.uuid4())
    assert Job.objects.filter(pk=job.pk).values().get() == before
    assert change(newer)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_cancelled_job_has_no_lease_to_write_with(job, lease, change):
    assert Job.objects.cancel(job.pk)
    assert not change(lease)
    assert fresh(job).state == State.CANCELLED


def test_waiting_jobs_can_be_cancelled_and_ended_ones_cannot(job, worker_row):
    assert Job.objects.cancel(job.pk)
    assert fresh(job).finished is not None
    assert not Job.objects.cancel(job.pk)
    assert Job.objects.claim(job.pk, worker_id=worker_row.pk) is None


def test_a_retry_is_a_new_start_at_the_end_of_the_queue(job, lease):
    Job.objects.fail(lease, code="crashed", detail="It crashed.")
    assert Job.objects.retry(job.pk)
    again = fresh(job)
    assert (again.state, again.attempt, again.error_code, again.error_detail) == (State.QUEUED, 0, "", "")
    assert (again.started, again.finished) == (None, None)
    assert again.queued > job.queued
    assert again.created == job.created
    assert not Job.objects.retry(job.pk), "it waits already"


def test_only_jobs_that_run_can_stall(job, lease):
    silence(job)
    assert Job.objects.stalled().requeue(lease, counted=True)
    assert not Job.objects.stalled().exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": State.RUNNING},
        {"lease": uuid.uuid4()},
        {"state": State.SUCCEEDED},
        {"finished": timezone.now()},
        {"percent": 101},
        {"state": "paused"},
    ],
    ids=lambda wrong: next(iter(wrong)) + " alone",
)
def test_the_database_refuses_rows_that_make_no_sense(job, wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(**wrong)


def test_people_see_their_own_jobs_and_staff_all(job, owner, stranger, staff):
    assert list(Job.objects.visible_to(owner)) == [job]
    assert list(Job.objects.visible_to(stranger)) == []
    assert list(Job.objects.visible_to(staff)) == [job]
    owner.is_active = False
    assert list(Job.objects.visible_to(owner)) == []


def test_active_jobs_are_those_without_an_end(owner):
    for state in State:
        fields = {"finished": timezone.now()} if state in TERMINAL else {}
        if state == State.RUNNING:
            fields = {"lease": uuid.uuid4()}
        Job.objects.create(owner=owner, state=state, **fields)
    assert {job.state for job in Job.objects.active()} == {State.QUEUED, State.RUNNING}
    assert {job.state for job in Job.objects.all() if job.is_active} == {State.QUEUED, State.RUNNING}


def test_a_worker_is_alive_while_it_was_seen_within_a_lease(worker_row, settings):
    assert list(Worker.objects.alive()) == [worker_row]
    Worker.objects.update(seen=timezone.now() - timedelta(seconds=settings.GMM_LEASE_SECONDS + 1))
    assert not Worker.objects.alive().exists()
    assert Worker.objects.record_heartbeat(worker_row.pk)
    assert Worker.objects.alive().exists()
    Worker.objects.mark_ended(worker_row.pk)
    assert not Worker.objects.alive().exists()
    assert not Worker.objects.record_heartbeat(uuid.uuid4())
