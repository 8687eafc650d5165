"""Pictures that crash, hang or swell the program that reads them: they end with a reason, and take nothing with them."""

import signal

import pytest

from segmentation.models import Job
from segmentation.models.jobs import State
from tests import factories
from tests.faults.harness import send
from tests.faults.trials import tried

pytestmark = pytest.mark.django_db(transaction=True)


def caught(site, image):
    """A run in its middle, and its child."""
    site.gates.close("original")
    run = factories.make_run(image)
    site.gates.wait_until_reached("original")
    return run, site.child()


def verdict(run):
    job = Job.objects.get(pk=run.pk)
    return job.error_code, job.attempt


@tried
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS])
def test_a_picture_crashes_its_child(site, settled, image, number, trial):
    site.start()
    run, child = caught(site, image)
    send(number, child)
    site.gates.open("original")
    others = [factories.make_run(image) for _ in range(3)]
    settled("poison picture that crashes the child", [run], expected=(State.FAILED,))
    settled("poison picture that crashes the child: other runs", others)
    assert verdict(run) == ("crashed", 1)


@tried
def test_a_picture_hangs_its_child(site, settled, image, trial):
    site.start(GMM_RUN_SECONDS=5, GMM_WORKER_SLOTS=2)
    run, child = caught(site, image)
    send(signal.SIGSTOP, child)
    site.gates.open("original")
    others = [factories.make_run(image) for _ in range(3)]
    settled("poison picture that hangs the child: other runs", others)
    settled("poison picture that hangs the child", [run], expected=(State.FAILED,))
    assert verdict(run) == ("deadline", 1)


@tried
def test_a_picture_needs_more_memory_than_it_may_have(site, settled, large_image, image, trial):
    site.start(GMM_RUN_MEMORY=20_000_000)
    run, others = factories.make_run(large_image), [factories.make_run(image) for _ in range(3)]
    settled("child over its memory limit", [run], expected=(State.FAILED,))
    settled("child over its memory limit: other runs", others)
    assert verdict(run) == ("out_of_memory", 1)
