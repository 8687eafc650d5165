"""Position and time left: the forecast equals a run of the scheduling rules on the rows of the database."""

import itertools
import random
import time
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from segmentation import execution
from segmentation.execution.fair_share import LONGEST_WAIT_SECONDS, requeue_for_others
from segmentation.execution.forecast import seconds_left
from segmentation.execution.next_job import next_job
from segmentation.execution.schedule import Running, Simulation, Slots, Waiting
from segmentation.models import Job, Worker
from segmentation.models.jobs import SHORT_SECONDS
from tests.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)

MOMENTS = (timezone.now() + timedelta(seconds=number) for number in itertools.count())
"""Later than now, so that nobody has waited yet when a forecast begins."""

COSTS = [0.2, 1.0, 4.9, 5.0, 20.0, 60.0, 61.5, 300.0, 2000.0]


@pytest.fixture
def people(transactional_db):
    return [make_user(name) for name in ("ada", "ben", "cem")]


def make_worker(slots, short_slots, speed):
    return Worker.objects.create(host="here", release="test", slots=slots, short_slots=short_slots, speed=speed)


def queue(owner, cost):
    return Job.objects.create(owner=owner, queued=next(MOMENTS), expected_seconds=cost)


def claim(job_id, worker):
    assert Job.objects.claim(job_id, worker_id=worker.pk)
    Job.objects.filter(pk=job_id).update(claimed=next(MOMENTS))


class Played:
    """The scheduling rules applied to the rows, with a clock that jumps from one event to the next."""

    def __init__(self, workers):
        self.workers = sorted(workers, key=lambda worker: (-worker.speed, worker.pk))
        self.now, self.order, self.begins, self.ends = 0.0, [], {}, {}
        self.running = {job.pk: self.seconds(job) for job in Job.objects.running().select_related("worker")}

    @staticmethod
    def seconds(job):
        return job.expected_seconds / job.worker.speed

    def play(self):
        while True:
            self.begin_what_can_begin()
            if not self.running or not Job.objects.queued().exists():
                return
            ending = min(self.running, key=self.running.get)
            patient = max(self.now, LONGEST_WAIT_SECONDS)
            if patient < self.running[ending] and requeue_for_others(waited=-1e6):
                self.now = patient
                (handed_back,) = set(self.running) - set(Job.objects.running().values_list("pk", flat=True))
                del self.running[handed_back]
            else:
                self.now = self.running.pop(ending)
                assert Job.objects.succeed(Job.objects.get(pk=ending).lease)

    def begin_what_can_begin(self):
        for worker in self.workers:
            while (job_id := self.next(worker)) is not None:
                claim(job_id, worker)
                job = Job.objects.select_related("worker").get(pk=job_id)
                self.running[job_id] = self.ends[job_id] = self.now + self.seconds(job)
                self.begins[job_id] = self.now
                if job_id not in self.order:
                    self.order.append(job_id)

    @staticmethod
    def next(worker):
        jobs = Job.objects.running().filter(worker=worker)
        if jobs.count() >= worker.slots + worker.short_slots:
            return None
        n_long = jobs.filter(expected_seconds__gte=SHORT_SECONDS * worker.speed).count()
        return next_job(speed=worker.speed, long_too=n_long < worker.slots)


@pytest.mark.parametrize("seed", range(24))
def test_position_and_time_are_what_the_rules_make_of_the_queue(people, seed):
    choose = random.Random(seed)  # noqa: S311 - which cases to try
    workers = [
        make_worker(choose.randint(1, 3), choose.randint(0, 2), choose.choice([0.5, 1.0, 2.0]))
        for _ in range(choose.randint(1, 2))
    ]
    first = people[: choose.randint(1, 3)]
    for _ in range(choose.randint(0, 8)):
        queue(choose.choice(first), choose.choice(COSTS))
    for worker in workers:
        while (job_id := Played.next(worker)) is not None:
            claim(job_id, worker)
    for _ in range(choose.randint(1, 12)):
        queue(choose.choice(people), choose.choice(COSTS))
    foretold = execution.forecast()
    played = Played(workers)
    played.play()
    assert [job_id for job_id, _ in sorted(foretold.items(), key=lambda item: item[1].position)] == played.order
    assert [foretold[job_id].position for job_id in played.order] == list(range(len(played.order)))
    for job_id, expected in foretold.items():
        # The forecast reads how long jobs have run already: some hundredths of a second here.
        assert expected.begins == pytest.approx(played.begins[job_id], abs=2)
        assert expected.ends == pytest.approx(played.ends[job_id], abs=2)


def test_fifty_of_the_most_expensive_runs_are_not_told_as_an_instant(people):
    ada, ben, _ = people
    make_worker(2, 1, 1.0)
    jobs = [queue(ada, 1000.0) for _ in range(50)]
    bens = queue(ben, 0.2)
    foretold = execution.forecast()
    assert (foretold[bens.pk].begins, foretold[bens.pk].ends) == (0.0, pytest.approx(0.2))
    assert foretold[jobs[-1].pk].ends == pytest.approx(50 / 2 * 1000)
    assert foretold[jobs[-1].pk].position == 50


def test_a_large_picture_takes_as_long_as_its_own_cost_and_not_as_others_took(people):
    make_worker(2, 1, 1.0)
    large = queue(people[0], 9.0)
    assert execution.forecast()[large.pk].ends == 9.0
    Worker.objects.update(speed=0.5)
    assert execution.forecast()[large.pk].ends == 18.0


def test_what_cannot_begin_yet_and_what_waits_no_more_is_not_foretold(people, worker_row):
    assert execution.forecast() == {}
    later = queue(people[0], 1.0)
    Job.objects.update(not_before=timezone.now() + timedelta(hours=1))
    assert execution.forecast() == {}
    Job.objects.update(not_before=None)
    claim(later.pk, worker_row)
    assert execution.forecast() == {}


def test_without_a_worker_there_still_is_an_order(people):
    first, second = queue(people[0], 9.0), queue(people[0], 9.0)
    foretold = execution.forecast()
    assert [foretold[job.pk].position for job in (first, second)] == [0, 1]


@pytest.mark.parametrize(
    ("elapsed", "percent", "left"),
    [(0, 0, 10), (4, 90, 6), (12, 75, 4), (12, 5, 12)],
    ids=["new", "early", "late", "dull"],
)
def test_a_running_job_has_left_what_it_was_expected_to_cost_or_else_what_its_progress_says(elapsed, percent, left):
    assert seconds_left(expected=10.0, elapsed=elapsed, percent=percent) == left


def test_a_forecast_of_ten_thousand_jobs_takes_no_time_to_speak_of():
    moment = timezone.now()
    waiting = [
        Waiting(id=uuid.uuid4(), owner=number % 200, queued=moment, waited=0.0, cost=COSTS[number % 9])
        for number in range(10_000)
    ]
    workers = [Slots(worker=uuid.uuid4(), long=2, short=1, speed=1.0) for _ in range(4)]
    job = Waiting(id=uuid.uuid4(), owner=1, queued=moment, waited=0.0, cost=100.0)
    running = [Running(job=job, worker=workers[0].worker, is_long=True, claimed=moment, left=50.0)]
    began = time.process_time()
    foretold = Simulation(workers=workers, running=running, waiting=waiting, served={}).expected()
    assert time.process_time() - began < 2
    assert len(foretold) == 10_000
    assert sorted(one.position for one in foretold.values()) == list(range(10_000))
