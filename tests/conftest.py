"""Fixtures for all layers. Every test has its own media folder; every session (and xdist process) its own database file."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # this process forks, as the worker does, and must have one thread for that

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import override_settings

from gmmsite import redis_settings
from tests import factories
from tests.disks import SmallDisk
from tests.media import Media, own_bucket
from tests.processes import WorkerProcess, eventually


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix, tmp_path_factory):
    """Two sessions in one checkout must not use one file."""
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture(scope="session", autouse=True)
def _own_redis(worker_id):
    """Where there is a Redis, each process of xdist has a database in it, which the cache empties for each test."""
    if not settings.REDIS_URL:
        yield
        return
    number = int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 15
    url = f"{settings.REDIS_URL.rpartition('/')[0]}/{number}"
    sessions = "django.contrib.sessions.backends.db"  # literal counts of queries are the same on all configurations
    with override_settings(
        REDIS_URL=url, CACHES=redis_settings.cache(url), RQ_QUEUES=redis_settings.queues(url), SESSION_ENGINE=sessions
    ):
        yield


@pytest.fixture(autouse=True)
def media_root(settings, tmp_path):
    """A folder of its own for the pictures of this test."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MEDIA_ROOT.mkdir()
    return settings.MEDIA_ROOT


@pytest.fixture
def small_disk(media_root):
    """A media folder with room for 5 MB: a disk of its own for who may mount one, a limit on files for others."""
    with SmallDisk(media_root) as disk:
        yield disk


@pytest.fixture(autouse=True)
def media(media_root, monkeypatch):
    """The storage, with nothing in it."""
    own_bucket(monkeypatch)
    return Media()


@pytest.fixture(scope="session", autouse=True)
def _no_collected_files(tmp_path_factory):
    """Serve static files from their sources, not from collected ones."""
    with override_settings(STATIC_ROOT=tmp_path_factory.mktemp("static")):
        yield


@pytest.fixture(autouse=True)
def _empty_cache():
    """Clear the counters of rate limits and the wake-ups of other tests."""
    cache.clear()


@pytest.fixture(autouse=True)
def _quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def owner(transactional_db):
    return factories.make_user("owner")


@pytest.fixture
def stranger(transactional_db):
    """Somebody else with an account."""
    return factories.make_user("stranger")


@pytest.fixture
def staff(transactional_db):
    """A member of staff with all permissions on the application's rows."""
    return factories.make_staff("staff")


@pytest.fixture
def image(owner):
    """A small picture of the owner's, uploaded for real."""
    return factories.make_image(owner)


@pytest.fixture
def queued_run(image):
    """A waiting run with three clusters; no worker is running."""
    return factories.make_run(image)


@pytest.fixture
def finished_run(queued_run):
    """A finished run, which the code of the worker has executed in this process."""
    from segmentation import execution  # noqa: PLC0415 - the engine is not loaded for tests that do without
    from segmentation.models import Run  # noqa: PLC0415 - as above

    execution.serve_until_empty()
    # Where a worker runs beside the test, it may have been the one to take the run.
    eventually(lambda: not Run.objects.filter(pk=queued_run.pk, job__finished=None).exists())
    run = Run.objects.select_related("job", "image", "result").get(pk=queued_run.pk)
    assert run.succeeded, f"{run.job.error_code}: {run.job.error_detail}"
    return run


@pytest.fixture
def worker_row(transactional_db):
    """The row of a worker that was seen just now; there is no process behind it."""
    from segmentation.models import Worker  # noqa: PLC0415 - as above

    return Worker.objects.create(host="here", release="test", slots=2)


@pytest.fixture
def start_worker(transactional_db, media, tmp_path):
    """Start any number of real workers: `start_worker(GMM_LEASE_SECONDS=2)`."""
    started = []

    def start(**environment):
        started.append(WorkerProcess(tmp_path / f"worker-{len(started)}.log", **environment))
        return started[-1]

    yield start
    for worker in started:
        worker.kill()


@pytest.fixture
def worker(start_worker):
    """One real worker, ready."""
    return start_worker()
