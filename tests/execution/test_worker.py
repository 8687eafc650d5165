"""Real workers on a real database: what they finish, and what is left when they, their children or people interfere."""

import hashlib
import io
import os
import re
import signal
from datetime import timedelta
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from django.db import connection, transaction

from segmentation import execution, files, services
from segmentation.models import Image, Job, Result, Revision, Run, Worker
from segmentation.models.jobs import State
from tests import factories
from tests.processes import eventually, is_running

pytestmark = pytest.mark.django_db(transaction=True)

MASTERS = ["binary.png", "components.png", "fit.npz", "thumbnail"]


def paths(lease):
    return [f"{lease}/{name}" for name in MASTERS]


def threads_of(pid):
    return int(re.search(r"^Threads:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[1])


def beats_after(job):
    """Wait for two further heartbeats of a job."""
    for _ in range(2):
        until = Job.objects.get(pk=job.pk).lease_until
        eventually(lambda: Job.objects.filter(pk=job.pk, lease_until__gt=until).exists())  # noqa: B023 - called at once


# --- A run that nobody disturbs -------------------------------------------------------------------------------------------


def test_a_run_ends_with_its_files_result_and_first_revision(worker, queued_run, ended, stored):
    run = ended(queued_run)
    result = Result.objects.get(run=run)
    assert stored() == paths(result.lease)
    for name, kept in result.files.items():
        data = files.read(kept["key"])
        assert kept["key"] == files.run_key(run.pk, result.lease, name)
        assert (kept["bytes"], kept["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    with PIL.Image.open(io.BytesIO(files.read(result.files["components.png"]["key"]))) as picture:
        labels = np.asarray(picture)
    assert labels.shape == (run.image.height, run.image.width)
    assert [component["pixels"] for component in result.components] == list(np.bincount(labels.ravel()))
    assert run.revision == 0
    assert Revision.objects.get().number == 0
    job = run.job
    assert (job.percent, job.attempt, job.lease, job.error_code) == (100, 1, None, "")
    assert job.queued <= job.claimed <= job.finished
    assert job.worker == Worker.objects.get()


def test_the_clusters_are_those_that_the_picture_was_made_of(worker, queued_run, ended):
    rows = services.stored_result(run=ended(queued_run)).clusters
    made_of = [(90, 30, 45), (120, 125, 130), (235, 220, 150)]  # see factories.pixels
    found = [tuple(bytes.fromhex(row.mean_colour[1:])) for row in rows]
    np.testing.assert_allclose(found, made_of, atol=4)


def test_a_worker_says_once_that_it_is_ready_and_is_alive_until_it_stops(worker):
    assert worker.output.count("\n") == 1
    assert "The worker is ready" in worker.output
    assert Worker.objects.alive().exists()
    assert worker.stop() == 0
    assert not Worker.objects.alive().exists()
    assert worker.output.count("\n") == 1


def test_a_worker_whose_row_was_deleted_comes_back(start_worker):
    start_worker(GMM_LEASE_SECONDS=1)
    Worker.objects.all().delete()
    eventually(Worker.objects.alive().exists)


def test_a_worker_has_one_thread_and_so_have_its_children(worker, large_run, freeze):
    assert threads_of(worker.pid) == 1
    frozen = freeze(worker)
    assert threads_of(frozen.child) == 1
    assert threads_of(worker.pid) == 1


def test_a_worker_has_one_thread_even_where_numpy_was_there_before_it(start_worker, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import numpy")
    worker = start_worker(PYTHONPATH=os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    assert threads_of(worker.pid) == 1


def test_progress_is_written_while_a_run_lives(worker, large_run, freeze, ended):
    frozen = freeze(worker)
    beats_after(frozen.job)
    seen = Job.objects.get(pk=large_run.pk)
    assert seen.stage in {"reading", "counting", "fitting", "labelling", "writing"}
    assert 0 <= seen.percent < 100
    frozen.thaw()
    ended(large_run)


def test_slots_are_filled_at_the_same_time(start_worker, make_large_run, freeze, ended):
    worker = start_worker(GMM_WORKER_SLOTS=2)
    with transaction.atomic():
        runs = [make_large_run() for _ in range(3)]
    freeze(worker, number=2)
    assert (Job.objects.running().count(), Job.objects.queued().count()) == (2, 1)
    for child in worker.children():
        os.kill(child, signal.SIGCONT)
    for run in runs:
        ended(run)


# --- Workers that are killed, stopped or paused --------------------------------------------------------------------------


def test_a_run_whose_worker_was_killed_is_finished_once_by_another(start_worker, large_run, freeze, ended, stored):
    first = start_worker(GMM_LEASE_SECONDS=1)
    frozen = freeze(first)
    first.kill()
    eventually(lambda: not is_running(frozen.child))
    assert Job.objects.get().state == State.RUNNING
    start_worker(GMM_LEASE_SECONDS=1)
    run = ended(large_run)
    assert run.job.attempt == 2
    assert run.result.lease != frozen.job.lease
    assert Result.objects.count() == Revision.objects.count() == 1
    eventually(lambda: stored() == paths(run.result.lease))


def test_a_stopped_worker_hands_back_what_it_could_not_finish(start_worker, large_run, freeze, ended, stored):
    worker = start_worker(GMM_STOP_SECONDS=0.3)
    frozen = freeze(worker)
    assert worker.stop() == 0
    job = Job.objects.get()
    assert (job.state, job.attempt, job.lease, job.percent) == (State.QUEUED, 0, None, 0)
    assert stored() == []
    assert not is_running(frozen.child)
    start_worker()
    assert ended(large_run).job.attempt == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_worker_finishes_what_it_can_and_begins_nothing(start_worker, make_large_run, freeze, ended, number):
    worker = start_worker(GMM_STOP_SECONDS=30, GMM_WORKER_SLOTS=1)
    first, second = (make_large_run() for _ in range(2))
    frozen = freeze(worker)
    assert Worker.objects.get().leaving is None
    worker.process.send_signal(number)
    eventually(lambda: Worker.objects.alive().exclude(leaving=None).exists())
    beats_after(frozen.job)
    frozen.thaw()
    assert worker.process.wait(timeout=30) == 0
    assert ended(first).job.attempt == 1
    assert Job.objects.get(pk=second.pk).state == State.QUEUED


def test_a_worker_that_slept_through_its_lease_cannot_finish(start_worker, large_run, freeze, ended, stored):
    sleeper = start_worker(GMM_LEASE_SECONDS=1)
    frozen = freeze(sleeper)
    sleeper.pause()
    start_worker(GMM_LEASE_SECONDS=1)
    result = ended(large_run).result
    frozen.thaw()
    eventually(lambda: f"{frozen.job.lease}/fit.npz" in stored())  # the child goes on, and nobody listens
    sleeper.resume()
    eventually(lambda: stored() == paths(result.lease))
    assert Result.objects.get().lease == result.lease != frozen.job.lease
    assert Job.objects.get().attempt == 2


def test_two_workers_never_do_the_same_run(start_worker, image, ended, stored):
    runs = [factories.make_run(image) for _ in range(20)]
    for _ in range(2):
        start_worker(GMM_WORKER_SLOTS=2)
    results = [ended(run).result for run in runs]
    assert {Job.objects.get(pk=run.pk).attempt for run in runs} == {1}
    assert stored() == sorted(path for result in results for path in paths(result.lease))
    assert len({result.pixels_sha256 for result in results}) == 1


# --- People who interfere -------------------------------------------------------------------------------------------------


def test_cancelling_stops_the_child_and_leaves_no_files(worker, large_run, freeze, stored):
    frozen = freeze(worker)
    services.cancel_run(run=large_run)
    eventually(lambda: not is_running(frozen.child), within=2)
    eventually(lambda: stored() == [])
    assert Job.objects.get().state == State.CANCELLED
    assert not Result.objects.exists()


@pytest.mark.parametrize(
    "delete",
    [
        lambda run: services.delete_run(run=run),
        lambda run: services.delete_image(image=run.image),
        lambda run: run.job.owner.delete(),
    ],
    ids=["run", "image", "owner"],
)
def test_deleting_stops_the_child_and_leaves_neither_rows_nor_files(worker, large_run, freeze, media, delete):
    frozen = freeze(worker)
    delete(large_run)
    files.put(frozen.key, b"written after the deletion, before the worker has noticed it")
    eventually(lambda: not is_running(frozen.child), within=2)
    eventually(lambda: not media.keys("runs"))
    assert not Run.objects.exists()
    assert not Job.objects.exists()


def test_a_cancelled_run_that_is_retried_at_once_is_done_anew(worker, large_run, freeze, ended, stored):
    frozen = freeze(worker)
    services.cancel_run(run=large_run)
    services.retry_run(run=large_run)
    run = ended(large_run)
    assert run.job.attempt == 1
    assert run.result.lease != frozen.job.lease
    eventually(lambda: stored() == paths(run.result.lease))


# --- Attempts that come to a bad end --------------------------------------------------------------------------------------


def test_a_child_that_crashes_fails_the_run(worker, large_run, freeze, ended, stored):
    freeze(worker).send(signal.SIGSEGV)
    os.kill(worker.children()[0], signal.SIGCONT)
    job = ended(large_run, State.FAILED).job
    assert (job.error_code, job.error_detail) == ("crashed", "The computation crashed.")
    eventually(lambda: stored() == [])


def test_a_child_that_somebody_killed_is_tried_again(worker, large_run, freeze, ended, stored):
    freeze(worker).send(signal.SIGKILL)
    run = ended(large_run)
    assert run.job.attempt == 2
    eventually(lambda: stored() == paths(run.result.lease))


def test_after_the_last_attempt_a_run_whose_child_was_killed_fails(start_worker, large_run, freeze, ended, stored):
    worker = start_worker(GMM_MAX_ATTEMPTS=1)
    freeze(worker).send(signal.SIGKILL)
    job = ended(large_run, State.FAILED).job
    assert (job.error_code, job.attempt) == ("worker_lost", 1)
    eventually(lambda: stored() == [])


def test_a_run_that_takes_too_long_fails(start_worker, large_run, freeze, ended, stored):
    worker = start_worker(GMM_RUN_SECONDS=4)
    freeze(worker)
    job = ended(large_run, State.FAILED).job
    assert (job.error_code, job.error_detail) == ("deadline", "It took longer than this site allows.")
    eventually(lambda: stored() == [])


def test_a_run_that_needs_too_much_memory_fails(start_worker, large_run, ended):
    start_worker(GMM_RUN_MEMORY=10_000_000)
    job = ended(large_run, State.FAILED).job
    assert (job.error_code, job.error_detail) == ("out_of_memory", "It needs more memory than this site allows.")


def test_a_damaged_original_fails_its_run_and_no_other(worker, image, owner, ended, media):
    other = factories.make_image(owner)
    key = files.image_key(image.pk, "original")
    media.replace(key, files.read(key)[:-500])
    damaged, whole = factories.make_run(image), factories.make_run(other)
    job = ended(damaged, State.FAILED).job
    assert job.error_code == "corrupt"
    assert job.error_detail.endswith(".")
    ended(whole)


def test_a_run_whose_original_cannot_be_read_fails_after_some_tries(worker, queued_run, ended, media):
    media.delete(files.image_key(queued_run.image_id, "original"))
    job = ended(queued_run, State.FAILED).job
    assert job.error_code == "storage_unavailable"
    assert timedelta(seconds=1) < job.finished - job.claimed < timedelta(seconds=15)


def test_a_recipe_that_does_not_parse_fails_its_run_and_no_other(worker, image, ended):
    with transaction.atomic():
        wrong, right = factories.make_run(image), factories.make_run(image)
        Run.objects.filter(pk=wrong.pk).update(recipe={"n_clusters": 1000})
    job = ended(wrong, State.FAILED).job
    assert (job.error_code, job.error_detail) == ("bad_recipe", "The number of clusters must be between 2 and 32.")
    ended(right)


@pytest.mark.parametrize("column", ["recipe", "inputs"])
def test_a_run_of_a_newer_release_waits_and_blocks_nobody(worker, image, ended, column):
    with transaction.atomic():
        newer, older = factories.make_run(image), factories.make_run(image)
        Run.objects.filter(pk=newer.pk).update(**{column: {"schema": 99, "wonder": True}})
    ended(older)
    job = Job.objects.get(pk=newer.pk)
    assert (job.state, job.attempt) == (State.QUEUED, 0)
    ended(factories.make_run(image))
    assert 1 <= worker.output.count("newer release") <= 4, "once, or once for each wake-up"


def test_a_database_that_pauses_costs_no_run(start_worker, large_run, freeze, ended):
    worker = start_worker(GMM_LEASE_SECONDS=6)  # SQLite's lock is waited for four seconds, PostgreSQL's one
    frozen = freeze(worker)
    with transaction.atomic():
        Image.objects.update(trashed=None)  # SQLite has one lock for everything
        if connection.vendor == "postgresql":
            connection.cursor().execute("LOCK TABLE segmentation_job IN ACCESS EXCLUSIVE MODE")
        eventually(lambda: "the database does not answer" in worker.output)
    beats_after(frozen.job)
    frozen.thaw()
    assert ended(large_run).job.attempt == 1


def test_what_a_lost_worker_leaves_is_the_same_as_without_it(start_worker, make_large_run, freeze, ended):
    """The result depends on the recipe only, not on the attempt."""
    worker, run = start_worker(), make_large_run()
    freeze(worker).send(signal.SIGKILL)
    disturbed = ended(run).result
    assert worker.stop() == 0
    again = make_large_run()
    execution.serve_until_empty()
    assert ended(again).result.files["components.png"]["sha256"] == disturbed.files["components.png"]["sha256"]
