"""One account queues as many of the most expensive runs as it may, so that nobody else's are done."""

import os
import time

import numpy as np
import pytest
from django.db import transaction

from segmentation import execution, services
from segmentation.engine.recipe import Recipe
from segmentation.execution.fair_share import requeue_for_others
from segmentation.models import Job, Run
from segmentation.models.jobs import SHORT_SECONDS, State
from tests import factories
from tests.processes import eventually

pytestmark = pytest.mark.django_db(transaction=True)

MOST_EXPENSIVE = Recipe(
    n_clusters=32, restarts=20, max_iterations=10_000, tolerance=1e-9, exact=True, texture=2, position=True
)
STRANGER_WAITS = 10.0


@pytest.fixture
def besiege(owner):
    """Queue 50 of the most expensive runs; the picture is small for a test, yet each of them takes minutes."""
    noise = np.random.default_rng(0).integers(0, 256, (600, 800, 3), dtype=np.uint8)
    image = factories.make_image(owner, factories.encoded(noise), "noise.png")

    def besiege(number=50):
        with transaction.atomic():
            return [services.create_run(image=image, recipe=MOST_EXPENSIVE) for _ in range(number)]

    return besiege


def running():
    return Job.objects.running().count()


def nice_of(pid):
    return os.getpriority(os.PRIO_PROCESS, pid)


@pytest.mark.parametrize("slots", [1, 2])
def test_fifty_most_expensive_runs_do_not_keep_a_strangers_small_one_waiting(start_worker, besiege, stranger, slots):
    small = factories.make_image(stranger, factories.encoded(factories.pixels(320, 240)))
    worker = start_worker(GMM_WORKER_SLOTS=slots)
    besiege()
    eventually(lambda: running() == slots)
    children = eventually(lambda: found if len(found := worker.children()) == slots else None)
    assert [nice_of(child) for child in children] == [10] * slots
    began = time.monotonic()
    run = factories.make_run(small)
    foretold = services.run_status(run=Run.objects.select_related("job").get(pk=run.pk))
    job = eventually(lambda: Job.objects.filter(pk=run.pk).exclude(finished=None).first(), every=0.05)
    assert time.monotonic() - began < STRANGER_WAITS
    assert (job.state, job.error_code) == (State.SUCCEEDED, "")
    assert foretold.seconds_left < STRANGER_WAITS
    assert Job.objects.filter(owner__username="owner", state=State.RUNNING).count() == slots, "nobody was interrupted"


def test_runs_that_pass_for_short_do_not_hold_the_slot_for_short_ones(start_worker, besiege, stranger):
    """As when somebody finds a recipe whose cost is misjudged. Both slots are taken by such; one goes back to the queue."""
    small = factories.make_image(stranger, factories.encoded(factories.pixels(320, 240)))
    start_worker(GMM_WORKER_SLOTS=1)
    with transaction.atomic():
        runs = besiege(4)
        Job.objects.update(expected_seconds=0.1)
    eventually(lambda: running() == 2)
    run = factories.make_run(small)
    eventually(lambda: Job.objects.filter(pk=run.pk, state=State.SUCCEEDED).exists())
    jobs = Job.objects.filter(pk__in=[run.pk for run in runs])
    assert jobs.filter(expected_seconds__gte=SHORT_SECONDS).exists(), "they are known to be long now"
    assert set(jobs.values_list("attempt", flat=True)) <= {0, 1}, "and it was not their fault"


def claimed(jobs, worker_row):
    for job in jobs:
        assert Job.objects.claim(job.pk, worker_id=worker_row.pk)


def long_jobs(owner, number):
    return [Job.objects.create(owner=owner, expected_seconds=1000.0) for _ in range(number)]


def test_whoever_took_all_slots_while_nobody_waited_gives_one_back(owner, stranger, worker_row):
    held = long_jobs(owner, 2)
    claimed(held, worker_row)
    assert not requeue_for_others(waited=0), "nobody waits"
    long_jobs(owner, 3)
    assert not requeue_for_others(waited=0), "nobody else waits"
    (other,) = long_jobs(stranger, 1)
    assert not requeue_for_others(waited=60), "not for long"
    execution.sweep()
    assert running() == 2
    assert requeue_for_others(waited=0)
    assert [Job.objects.get(pk=job.pk).state for job in held] == [State.RUNNING, State.QUEUED]
    assert Job.objects.get(pk=held[1].pk).attempt == 0
    assert not requeue_for_others(waited=0), "one is enough"
    assert execution.forecast()[other.pk].position == 0


def test_the_only_slot_is_not_taken_away(owner, stranger, worker_row):
    """Else a run of an hour would never end while others come."""
    type(worker_row).objects.update(slots=1)
    claimed(long_jobs(owner, 1), worker_row)
    long_jobs(stranger, 1)
    assert not requeue_for_others(waited=0)
