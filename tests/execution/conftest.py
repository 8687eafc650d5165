import contextlib
import os
import signal

import pytest
from django.db import transaction

from segmentation import files, services
from segmentation.engine.recipe import Recipe
from segmentation.models import Job, Run
from segmentation.models.jobs import State
from tests import factories
from tests.processes import eventually, processor_seconds

COMPUTED_SECONDS = 0.04


class Frozen:
    """An attempt whose child is stopped (SIGSTOP) after it has stored a file. It waits until it is continued."""

    def __init__(self, child):
        self.child = child
        os.kill(child, signal.SIGSTOP)
        self.job = Job.objects.running().order_by("-claimed").first()
        self.key = files.run_key(self.job.pk, self.job.lease, "components.png")
        files.put(self.key, b"half of a picture")

    def send(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.child, number)

    def thaw(self):
        self.send(signal.SIGCONT)


@pytest.fixture
def large_image(owner):
    """A picture that keeps a child busy for long enough to be caught."""
    return factories.make_image(owner, factories.encoded(factories.pixels(1600, 1200), "JPEG"), "large.jpg")


@pytest.fixture
def make_large_run(large_image):
    """Queue runs of the large picture with many starts, which take some tenths of a second and count as long jobs."""
    recipe = Recipe(n_clusters=12, restarts=20, exact=True)

    def make_large_run():
        with transaction.atomic():
            run = services.create_run(image=large_image, recipe=recipe)
            Job.objects.filter(pk=run.pk).update(expected_seconds=60.0)
        return run

    return make_large_run


@pytest.fixture
def large_run(make_large_run):
    return make_large_run()


@pytest.fixture
def freeze():
    """Stop the next child of a worker while it works."""
    caught = []

    def freeze(worker, number=1):
        known = {frozen.child for frozen in caught}
        children = eventually(
            lambda: new if len(new := set(worker.children()) - known) >= number else None, every=0.001
        )
        eventually(lambda: all(processor_seconds(child) >= COMPUTED_SECONDS for child in children), every=0.001)
        caught.extend(Frozen(child) for child in children)
        assert all(frozen.job.state == State.RUNNING for frozen in caught)
        return caught[-1]

    yield freeze
    for frozen in caught:
        frozen.thaw()


@pytest.fixture
def ended(transactional_db):
    """Wait until a run has ended, and return it."""

    def ended(run, state=State.SUCCEEDED):
        job = eventually(lambda: Job.objects.exclude(state__in=(State.QUEUED, State.RUNNING)).filter(pk=run.pk).first())
        assert job.state == state, (job.error_code, job.error_detail)
        return Run.objects.select_related("job", "image").get(pk=run.pk)

    return ended


@pytest.fixture
def stored(media):
    """The files of all attempts, as "<lease>/<name>"."""

    def stored():
        return sorted(key.split("/", 2)[2] for key in media.keys("runs"))

    return stored
