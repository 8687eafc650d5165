import itertools
import time
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from segmentation import execution, services
from segmentation.engine.recipe import Recipe
from segmentation.execution.next_job import JobFinder, next_job
from segmentation.models import Job
from segmentation.models.jobs import State
from tests import factories
from tests.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)


MOMENTS = (timezone.now() + timedelta(seconds=number) for number in itertools.count())
"""People are slower than the database's clock, which counts milliseconds; tests are not."""


@pytest.fixture
def people(transactional_db):
    return [make_user(name) for name in ("ada", "ben", "cem")]


def queue(owner, number=1):
    return [Job.objects.create(owner=owner, queued=next(MOMENTS)) for _ in range(number)]


def serve(worker_row, number):
    """Claim this many jobs in the order of the queue; returns them."""
    served = []
    for _ in range(number):
        job = Job.objects.get(pk=next_job())
        assert Job.objects.claim(job.pk, worker_id=worker_row.pk)
        Job.objects.filter(pk=job.pk).update(claimed=next(MOMENTS))
        served.append(job)
    return served


def end(job):
    assert Job.objects.succeed(Job.objects.get(pk=job.pk).lease)


def test_nobody_has_a_turn_when_nothing_waits(people):
    assert next_job() is None


def test_jobs_of_one_person_have_their_turn_in_order(people, worker_row):
    jobs = queue(people[0], 4)
    assert serve(worker_row, 4) == jobs
    assert next_job() is None


def test_a_newcomer_does_not_wait_behind_a_hundred_runs_of_another(people, worker_row):
    ada, ben, _ = people
    many = queue(ada, 100)
    assert serve(worker_row, 2) == many[:2]
    (single,) = queue(ben)
    assert execution.forecast()[single.pk].position == 0
    assert serve(worker_row, 2) == [single, many[2]]


def test_people_take_turns(people, worker_row):
    jobs = [queue(person, 3) for person in people]
    served = serve(worker_row, 9)
    assert served == [job for round_ in zip(*jobs, strict=True) for job in round_]


def test_who_was_served_longest_ago_is_first_when_nothing_runs(people, worker_row):
    ada, ben, _ = people
    for person in (ada, ben):
        queue(person)
        for job in serve(worker_row, 1):
            end(job)
    (bens,), (adas,) = queue(ben), queue(ada)
    assert serve(worker_row, 2) == [adas, bens]


def test_a_requeued_job_counts_as_served(people, worker_row):
    ada, ben, _ = people
    (adas,) = queue(ada)
    serve(worker_row, 1)
    Job.objects.requeue(Job.objects.get(pk=adas.pk).lease, counted=False)
    (bens,) = queue(ben)
    assert serve(worker_row, 2) == [bens, adas]


def test_what_this_worker_cannot_do_does_not_block_others(people):
    ada, ben, _ = people
    (newer,) = queue(ada)
    (bens,) = queue(ben)
    (adas,) = queue(ada)
    assert next_job() == newer.pk
    assert next_job(excluded={newer.pk}) == bens.pk
    assert next_job(excluded={newer.pk, bens.pk}) == adas.pk
    assert next_job(excluded={newer.pk, adas.pk, bens.pk}) is None


@pytest.mark.parametrize("speed", [0.5, 1.0, 4.0])
def test_short_jobs_are_those_that_this_worker_does_within_five_seconds(people, speed):
    (job,) = queue(people[0])
    Job.objects.update(expected_seconds=4.99 * speed)
    assert next_job(speed=speed, long_too=False) == job.pk
    Job.objects.update(expected_seconds=5.01 * speed)
    assert next_job(speed=speed, long_too=False) is None
    assert next_job(speed=speed, long_too=True) == job.pk


def test_the_short_job_of_a_person_does_not_wait_behind_their_long_ones(people):
    long, short = queue(people[0], 2)
    Job.objects.filter(pk=long.pk).update(expected_seconds=1000.0)
    Job.objects.filter(pk=short.pk).update(expected_seconds=1.0)
    assert next_job(long_too=False) == short.pk
    assert next_job(long_too=True) == long.pk


def test_a_job_waits_for_its_time(people):
    early, late = queue(people[0], 2)
    Job.objects.filter(pk=early.pk).update(not_before=timezone.now() + timedelta(hours=1))
    assert next_job() == late.pk
    Job.objects.filter(pk=early.pk).update(not_before=timezone.now() - timedelta(seconds=1))
    assert next_job() == early.pk


@pytest.mark.parametrize(("n_clusters", "is_short"), [(3, True), (32, False)])
def test_a_run_without_an_expected_cost_gets_one_when_it_is_chosen(owner, n_clusters, is_short):
    """The web process of an older release has queued such a run."""
    image = factories.make_image(owner, factories.encoded(factories.pixels(320, 240)))
    recipe = Recipe(n_clusters=n_clusters, restarts=20, tolerance=1e-9, max_iterations=10_000, exact=True, texture=2)
    run = services.create_run(image=image, recipe=recipe)
    expected = Job.objects.get().expected_seconds
    Job.objects.update(expected_seconds=None)
    assert JobFinder().find(speed=1.0, long_too=False) == (run.pk if is_short else None)
    assert Job.objects.get().expected_seconds == expected
    assert JobFinder().find(speed=1.0, long_too=True) == run.pk


def test_looking_is_cheap_with_nothing_and_with_ten_thousand_waiting(people, worker_row):
    finished = timezone.now()
    Job.objects.bulk_create(
        Job(owner=people[n % 3], state=State.SUCCEEDED, claimed=finished, finished=finished) for n in range(10_000)
    )
    with CaptureQueriesContext(connection) as idle:
        assert next_job() is None
    assert len(idle) == 1
    Job.objects.bulk_create(Job(owner=people[n % 3]) for n in range(10_000))
    Job.objects.bulk_create(Job(owner=people[0], state=State.RUNNING, lease=uuid.uuid4()) for _ in range(8))
    with CaptureQueriesContext(connection) as busy:
        job = Job.objects.get(pk=next_job())
    assert len(busy) == 6
    assert job.owner != people[0]
    began = time.process_time()
    next_job()
    assert time.process_time() - began < 0.2
