from datetime import timedelta

import pytest
from django.db.models import F

from segmentation import execution, files
from segmentation.models import Job
from segmentation.models.jobs import State
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stalled(queued_run, worker_row):
    """A job whose worker was lost in its first attempt, with a file of that attempt."""
    return stall(queued_run, worker_row)


def stall(run, worker_row, attempt=1):
    lease = Job.objects.claim(run.pk, worker_id=worker_row.pk)
    files.put(files.run_key(run.pk, lease, "components.png"), b"half of a picture")
    Job.objects.filter(pk=run.pk).update(lease_until=F("lease_until") - timedelta(hours=1), attempt=attempt)
    return Job.objects.get(pk=run.pk)


def test_a_stalled_run_waits_again_without_its_files(stalled, media):
    assert execution.sweep() == 1
    job = Job.objects.get()
    assert (job.state, job.attempt, job.lease) == (State.QUEUED, 1, None)
    assert media.keys("runs") == []


def test_after_the_last_attempt_it_fails(queued_run, worker_row, settings):
    stall(queued_run, worker_row, attempt=settings.GMM_MAX_ATTEMPTS)
    assert execution.sweep() == 0
    job = Job.objects.get()
    assert (job.state, job.error_code) == (State.FAILED, "worker_lost")
    assert job.error_detail == "The server stopped during this run, more than once."


def test_a_second_sweep_changes_nothing(stalled):
    execution.sweep()
    before = Job.objects.values().get()
    assert execution.sweep() == 1
    assert Job.objects.values().get() == before


def test_runs_whose_worker_beats_are_left_alone(queued_run, worker_row):
    lease = Job.objects.claim(queued_run.pk, worker_id=worker_row.pk)
    assert execution.sweep() == 0
    assert Job.objects.get().lease == lease


def test_files_of_other_attempts_stay(stalled, image, worker_row):
    other = factories.make_run(image)
    lease = Job.objects.claim(other.pk, worker_id=worker_row.pk)
    files.put(files.run_key(other.pk, lease, "components.png"), b"whole")
    execution.sweep()
    assert files.read(files.run_key(other.pk, lease, "components.png")) == b"whole"
