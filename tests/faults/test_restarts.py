"""Redis and PostgreSQL are restarted while runs are done. Both are the test's own: others need theirs."""

import tempfile
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection

from gmmsite import redis_settings
from segmentation.models import Job
from tests import factories
from tests.faults.trials import tried
from tests.processes import eventually
from tests.servers import Broker, Database

pytestmark = pytest.mark.django_db(transaction=True)

RUNS = 50


def over():
    return RUNS - Job.objects.active().count()


if django_settings.TASKS_BACKEND == "rq":

    @pytest.fixture
    def broker(settings, tmp_path):
        """A Redis for this test alone."""
        broker = Broker(tmp_path)
        settings.REDIS_URL = broker.url
        settings.CACHES, settings.RQ_QUEUES = redis_settings.cache(broker.url), redis_settings.queues(broker.url)
        broker.come()
        yield broker
        broker.go()

    @tried
    def test_redis_is_restarted(broker, site, settled, image, trial):
        """All it knew is lost, and the workers end over it: they are started again, and find the runs in the rows."""
        for _ in range(2):
            site.start()
        runs = [factories.make_run(image) for _ in range(RUNS)]
        for share in (RUNS // 5, RUNS // 2):
            eventually(lambda: over() >= share or site.supervise(), within=120)  # noqa: B023 - called at once
            broker.go()
            broker.come()
        settled(f"Redis killed and started twice during {RUNS} runs", runs)


if connection.vendor == "postgresql":

    @pytest.fixture
    def database(transactional_db):
        """A PostgreSQL for this test alone, in the place of that of the others."""
        with tempfile.TemporaryDirectory(prefix="gmm-database-") as folder:
            yield from _in_place(Database(Path(folder)))

    def _in_place(database):
        database.come()
        connection.close()
        before = dict(connection.settings_dict)
        connection.settings_dict |= {"NAME": "postgres", "HOST": "127.0.0.1", "PORT": database.port, "USER": "gmm"}
        call_command("migrate", verbosity=0)
        yield database
        connection.close()
        connection.settings_dict |= before
        database.go()

    @tried
    @pytest.mark.parametrize("how", ["restarted", "crashed"])
    def test_the_database_is_restarted(database, site, settled, image, how, trial):  # noqa: PLR0917 - fixtures
        for _ in range(2):
            site.start(GMM_LEASE_SECONDS=6)
        runs = [factories.make_run(image) for _ in range(RUNS)]
        for share in (RUNS // 5, RUNS // 2):
            eventually(lambda: over() >= share or site.supervise(), within=120)  # noqa: B023 - called at once
            (database.kill if how == "crashed" else database.go)()
            connection.close()
            database.come()
        settled(f"PostgreSQL {how} twice during {RUNS} runs", runs)
