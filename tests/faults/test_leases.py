"""Workers that are late, have a wrong clock, or are told the same thing again and again."""

import os
import signal

import pytest
from django.db.models import F
from django.db.models.functions import Now

from segmentation import tasks
from segmentation.models import Job, Result, Worker
from tests import factories
from tests.faults.harness import descendants_of, parent_of, send
from tests.faults.trials import tried
from tests.processes import eventually

pytestmark = pytest.mark.django_db(transaction=True)

SHIFTED_CLOCK = """
import os, time
from datetime import timedelta
from django.utils import timezone
SHIFT = float(os.environ["GMM_TEST_CLOCK_SHIFT"])
_time, _now = time.time, timezone.now
time.time = lambda: _time() + SHIFT
timezone.now = lambda: _now() + timedelta(seconds=SHIFT)
"""


@tried
def test_a_worker_sleeps_through_its_lease(site, settled, image, trial):
    """The other worker finishes the run; the later updates of the first are rejected, and its files are deleted."""
    sleeper = site.start()
    site.gates.close("fit.npz")
    run = factories.make_run(image)
    site.gates.wait_until_reached("fit.npz")
    lease = Job.objects.get(pk=run.pk).lease
    asleep = [sleeper.pid, *descendants_of(sleeper.pid)]
    send(signal.SIGSTOP, *asleep)
    site.gates.open("fit.npz")
    site.start()
    eventually(lambda: Result.objects.filter(run=run.pk).exists(), within=90)
    send(signal.SIGCONT, *asleep)
    eventually(lambda: parent_of(sleeper.pid) and not site.children(), within=30)  # it has settled what it had
    settled("SIGSTOP to a worker past its lease", [run])
    assert Result.objects.get(run=run.pk).lease != lease
    assert Job.objects.get(pk=run.pk).attempt == 2


@tried
def test_a_message_comes_ten_times(site, settled, image, trial):
    for _ in range(2):
        site.start()
    run = factories.make_run(image)
    for _ in range(10):
        tasks.run_next.enqueue()
    settled("the same message delivered ten times", [run])
    assert Job.objects.get(pk=run.pk).attempt == 1


@tried
@pytest.mark.parametrize("hours", [1, -1])
def test_a_worker_has_the_wrong_time(site, settled, image, tmp_path, hours, trial):  # noqa: PLR0917 - fixtures
    """Leases are compared on the database's clock alone, so that no worker loses its run."""
    (tmp_path / "sitecustomize.py").write_text(SHIFTED_CLOCK)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    site.start()
    site.start(PYTHONPATH=path, GMM_TEST_CLOCK_SHIFT=hours * 3600)
    site.gates.close("binary.png")
    runs = [factories.make_run(image) for _ in range(8)]
    eventually(lambda: Job.objects.running().values("worker").distinct().count() == 2, within=60)
    until = list(Job.objects.running().annotate(left=F("lease_until") - Now()).values_list("left", flat=True))
    assert all(0 < left.total_seconds() <= 2 for left in until)
    assert Worker.objects.alive().count() == 2
    site.gates.open("binary.png")
    settled(f"clock of a worker {hours:+d} hour off", runs)
    assert set(Job.objects.values_list("attempt", flat=True)) == {1}
