from datetime import timedelta

import pytest
from django.utils import timezone

from segmentation import files, services
from segmentation.engine.recipe import Recipe
from segmentation.exceptions import Conflict, QuotaExceeded
from segmentation.models import Image, Job, Run, Worker
from segmentation.models.jobs import State

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_run_belongs_to_the_owner_of_its_image_and_waits(image):
    run = services.create_run(image=image, recipe=Recipe(n_clusters=4, seed=7))
    assert (run.job.owner, run.job.state, run.n_clusters) == (image.owner, State.QUEUED, 4)
    assert Recipe.from_mapping(run.recipe) == Recipe(n_clusters=4, seed=7)


def test_too_many_active_runs_are_refused_and_finished_ones_do_not_count(image, settings):
    settings.GMM_QUOTA_ACTIVE_RUNS = 2
    first = services.create_run(image=image, recipe=Recipe())
    services.create_run(image=image, recipe=Recipe())
    with pytest.raises(QuotaExceeded) as refused:
        services.create_run(image=image, recipe=Recipe())
    assert refused.value.code == "quota_runs"
    services.cancel_run(run=first)
    services.create_run(image=image, recipe=Recipe())


def test_cancel_and_retry_go_there_and_back_and_nowhere_else(queued_run):
    with pytest.raises(Conflict):
        services.retry_run(run=queued_run)
    services.cancel_run(run=queued_run)
    assert queued_run.job.state == State.CANCELLED
    with pytest.raises(Conflict) as refused:
        services.cancel_run(run=queued_run)
    assert refused.value.code == "state_conflict"
    services.retry_run(run=queued_run)
    assert (queued_run.job.state, queued_run.job.attempt) == (State.QUEUED, 0)


def test_deleting_a_run_takes_its_job_and_files_and_leaves_the_image(finished_run, media):
    services.delete_run(run=finished_run)
    assert not Run.objects.exists()
    assert not Job.objects.exists()
    assert media.keys("runs") == []
    assert files.exists(files.image_key(finished_run.image_id, "original"))


def test_deleting_an_image_takes_everything(finished_run, media):
    services.delete_image(image=finished_run.image)
    assert not Image.objects.exists()
    assert not Job.objects.exists()
    assert media.keys() == []


def test_deleting_a_person_takes_everything(finished_run, owner, media):
    owner.delete()
    assert not Image.objects.exists()
    assert not Job.objects.exists()
    assert media.keys() == []


def test_a_waiting_run_says_its_place_and_that_no_worker_runs(queued_run, image):
    later = services.create_run(image=image, recipe=Recipe())
    status = services.run_status(run=later)
    assert (status.state, status.position, status.workers_alive) == ("queued", 1, False)
    assert "No worker is running" in status.message


def test_a_waiting_run_is_told_what_is_before_it_costs(image, worker_row):
    """Three runs of 8 s before it, two slots: it begins when the first two and then one more are over, and takes 8 s."""
    last = [services.create_run(image=image, recipe=Recipe()) for _ in range(4)][-1]
    Job.objects.update(expected_seconds=8.0)
    status = services.run_status(run=last)
    assert (status.position, status.message) == (3, "3 runs before yours.")
    assert status.seconds_left == pytest.approx(16.0)


def test_the_first_large_picture_after_small_ones_is_told_its_own_time(finished_run, owner, worker_row):
    """Not the average of what was done lately."""
    Worker.objects.exclude(pk=worker_row.pk).delete()
    Worker.objects.update(speed=1.0)
    run = services.create_run(image=finished_run.image, recipe=Recipe())
    Job.objects.filter(pk=run.pk).update(expected_seconds=9.0)
    assert services.run_status(run=run).seconds_left == pytest.approx(9.0)


def test_without_a_worker_nobody_guesses_how_long_a_run_waits(finished_run, image):
    Worker.objects.all().delete()
    assert services.run_status(run=services.create_run(image=image, recipe=Recipe())).seconds_left is None


def test_a_failed_run_says_why(queued_run, worker_row):
    lease = Job.objects.claim(queued_run.job_id, worker_id=worker_row.pk)
    Job.objects.fail(lease, code="crashed", detail="The server stopped during this run.")
    status = services.run_status(run=Run.objects.get(pk=queued_run.pk))
    assert status.error == services.RunError(code="crashed", detail="The server stopped during this run.")


def test_a_running_run_says_what_is_left_of_its_cost_and_goes_by_its_progress_when_it_is_late(queued_run, worker_row):
    def status():
        return services.run_status(run=Run.objects.get(pk=queued_run.pk))

    Job.objects.update(expected_seconds=100.0)
    lease = Job.objects.claim(queued_run.job_id, worker_id=worker_row.pk)
    assert status().seconds_left == pytest.approx(100, abs=10)
    Job.objects.extend_lease(lease, stage="fitting", percent=50)
    assert status().seconds_left == pytest.approx(100, abs=10)
    assert status().message == "Fit the mixture"
    Job.objects.update(started=timezone.now() - timedelta(seconds=200))
    assert status().seconds_left == pytest.approx(200, abs=10)
