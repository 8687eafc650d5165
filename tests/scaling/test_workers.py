"""Several workers that share nothing but database, Redis and bucket; wake-ups that are lost; workers that are told to stop."""

import signal
import time
from collections import Counter

import django_rq
import pytest
from django.conf import settings

from gmmsite import redis_settings
from segmentation import files, tasks
from segmentation.models import Job, Run, Worker
from segmentation.models.jobs import State
from tests import factories
from tests.processes import eventually, is_running
from tests.servers import Broker

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

MASTERS = {"binary.png", "components.png", "fit.npz", "thumbnail"}


@pytest.fixture
def start_host(start_worker, tmp_path):
    """Start a worker as on a host of its own: its folder is empty, and nobody else sees it."""
    folders = []

    def start(**environment):
        folders.append(tmp_path / f"host-{len(folders)}")
        folders[-1].mkdir()
        return start_worker(MEDIA_ROOT=folders[-1], **environment)

    yield start
    assert [path for folder in folders for path in folder.rglob("*")] == [], "all files are in the bucket"


def all_done(runs):
    return not Job.objects.filter(pk__in=[run.pk for run in runs]).exclude(state=State.SUCCEEDED).exists()


def test_two_hosts_share_the_runs_and_finish_all(start_host, image):
    first, second = (start_host(GMM_WORKER_SLOTS=1) for _ in range(2))
    runs = [factories.make_run(image, seed=seed) for seed in range(24)]
    eventually(lambda: all_done(runs), within=120)
    done = Counter(Job.objects.values_list("worker", flat=True))
    assert sorted(done) == sorted(Worker.objects.values_list("pk", flat=True))
    assert len(done) == 2
    assert min(done.values()) >= 3, "neither does (nearly) everything"
    for result in Run.objects.get(pk=runs[0].pk), Run.objects.get(pk=runs[-1].pk):
        assert set(result.result.files) == MASTERS
        assert all(files.exists(stored["key"]) for stored in result.result.files.values())
    assert set(Job.objects.values_list("attempt", flat=True)) == {1}
    assert (first.stop(), second.stop()) == (0, 0)
    assert not Worker.objects.alive().exists()


def test_one_wake_up_is_enough_for_many_runs(start_worker, image):
    runs = [factories.make_run(image, seed=seed) for seed in range(6)]
    queue = django_rq.get_queue()
    assert queue.count == len(runs)
    jobs = queue.get_job_ids()
    for job_id in jobs[1:]:
        queue.remove(job_id)
    start_worker()
    eventually(lambda: all_done(runs), within=60)


def test_lost_wake_ups_cost_no_run(start_worker, image):
    start_worker(GMM_LEASE_SECONDS=6)  # sweeps every two seconds
    runs = [factories.make_run(image, seed=seed) for seed in range(4)]
    django_rq.get_queue().empty()
    eventually(lambda: all_done(runs), within=60)


def test_ten_wake_ups_for_one_run_have_one_effect(start_worker, queued_run):
    for _ in range(9):
        tasks.run_next.enqueue()
    start_worker()
    eventually(lambda: all_done([queued_run]), within=60)
    eventually(lambda: django_rq.get_queue().count == 0)
    assert Job.objects.get().attempt == 1


def test_a_run_of_a_newer_release_waits_without_a_stir(start_worker, queued_run):
    Run.objects.filter(pk=queued_run.pk).update(recipe={"schema": 99})
    worker = start_worker(GMM_LEASE_SECONDS=3)  # sweeps every second
    eventually(lambda: "newer release" in worker.output)
    eventually(lambda: django_rq.get_queue().count == 0)
    seen = Worker.objects.get().seen
    eventually(lambda: Worker.objects.filter(seen__gt=seen).exists())  # a further sweep
    assert django_rq.get_queue().count == 0
    assert Job.objects.get().state == State.QUEUED
    assert worker.output.count("newer release") <= 2, "the horse that was sent, and the worker"


@pytest.fixture
def broker(settings, tmp_path):
    broker = Broker(tmp_path)
    settings.REDIS_URL = broker.url
    settings.CACHES, settings.RQ_QUEUES = redis_settings.cache(broker.url), redis_settings.queues(broker.url)
    broker.come()
    yield broker
    broker.go()


def test_without_redis_runs_are_accepted_at_once_and_done_when_it_is_back(broker, start_worker, image):
    start_worker(GMM_LEASE_SECONDS=6)
    broker.go()
    took = []
    for seed in range(3):
        began = time.monotonic()
        factories.make_run(image, seed=seed)
        took.append(time.monotonic() - began)
    assert max(took) < 5, took
    assert Job.objects.queued().count() == 3
    broker.come()
    start_worker(GMM_LEASE_SECONDS=6)  # as a supervisor does when the other has ended over it
    eventually(lambda: not Job.objects.active().exists(), within=60)
    assert set(Job.objects.values_list("state", "attempt")) == {(State.SUCCEEDED, 1)}


def test_a_worker_waits_for_redis_and_says_so_once(broker, start_worker, queued_run):
    broker.go()
    worker = start_worker(ready="the worker waits for it")
    broker.come()
    eventually(lambda: "worker is ready" in worker.output)
    assert worker.output.count("waits for it") == 1
    eventually(lambda: all_done([queued_run]), within=60)


def test_a_killed_worker_takes_horse_and_child_with_it(start_worker, queued_run, image):
    assert settings.TASKS_BACKEND == "rq"
    worker = start_worker(GMM_LEASE_SECONDS=3)
    runs = [factories.make_run(image, seed=seed, n_clusters=12) for seed in range(30)]
    horse = eventually(lambda: next(iter(worker.supervisors()), None), every=0.001)
    worker.process.send_signal(signal.SIGKILL)
    worker.process.wait()
    eventually(lambda: not is_running(horse), within=5)
    start_worker(GMM_LEASE_SECONDS=3)
    eventually(lambda: all_done([queued_run, *runs]), within=120)
