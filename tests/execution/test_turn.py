import itertools
import random
import time
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from segmentation import execution
from segmentation.execution.turn import next_job
from segmentation.models import Job
from segmentation.models.jobs import State
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
    """Claim so many jobs, each when it has its turn; returns them."""
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
    assert execution.position(single) == 0
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


def test_a_job_that_was_handed_back_counts_as_served(people, worker_row):
    ada, ben, _ = people
    (adas,) = queue(ada)
    serve(worker_row, 1)
    Job.objects.hand_back(Job.objects.get(pk=adas.pk).lease, counted=False)
    (bens,) = queue(ben)
    assert serve(worker_row, 2) == [bens, adas]


def test_what_this_worker_cannot_do_does_not_block_others(people):
    ada, ben, _ = people
    (newer,) = queue(ada)
    (bens,) = queue(ben)
    (adas,) = queue(ada)
    assert next_job() == newer.pk
    assert next_job(passed_over={newer.pk}) == bens.pk
    assert next_job(passed_over={newer.pk, bens.pk}) == adas.pk
    assert next_job(passed_over={newer.pk, adas.pk, bens.pk}) is None


@pytest.mark.parametrize("seed", range(12))
def test_the_position_is_how_many_start_before(people, worker_row, seed):
    """As long as none come and none end: the position agrees with what the turns turn out to be."""
    choose = random.Random(seed)  # noqa: S311 - which cases to try
    for person in choose.choices(people, k=12):
        queue(person)
    for job in serve(worker_row, choose.randint(0, 6)):
        if choose.random() < 0.4:
            end(job)
    for person in choose.choices(people, k=3):
        queue(person)
    waiting = list(Job.objects.queued())
    foretold = {job.pk: execution.position(job) for job in waiting}
    served = serve(worker_row, len(waiting))
    assert [foretold[job.pk] for job in served] == list(range(len(waiting)))


def test_a_job_that_no_longer_waits_has_nobody_before_it(people, worker_row):
    (job,) = queue(people[0])
    serve(worker_row, 1)
    assert execution.position(job) == 0


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
    assert len(busy) == 3
    assert job.owner != people[0]
    began = time.process_time()
    next_job()
    assert time.process_time() - began < 0.2
