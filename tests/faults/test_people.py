"""People who cancel and delete at the very moment when a run ends, and at all others."""

import random
import time

import pytest

from segmentation import services
from segmentation.exceptions import Conflict
from segmentation.models import Image, Job, JobOutput, Result, Run
from segmentation.models.jobs import State
from tests import factories
from tests.faults.harness import stored
from tests.faults.trials import tried
from tests.processes import eventually

pytestmark = pytest.mark.django_db(transaction=True)

CASES = 12
LONGEST_SECONDS = 0.6  # from the click to the other click; a small run is done in less


@pytest.fixture
def moments(trial):
    """Moments at which to interfere, in seconds after the start of a run."""
    choose = random.Random(trial)  # noqa: S311 - which cases to try
    return [choose.uniform(0, LONGEST_SECONDS) for _ in range(CASES)]


@tried
def test_cancelling_meets_the_end_of_runs(site, settled, image, moments, trial):
    """Either the run is cancelled and leaves nothing, or the click comes too late and says so."""
    site.start()
    runs, cancelled = [], set()
    for moment in moments:
        run = factories.make_run(image)
        runs.append(run)
        time.sleep(moment)
        try:
            services.cancel_run(run=run)
        except Conflict:
            continue
        cancelled.add(run.pk)
    settled("cancel against finish", runs, expected=(State.SUCCEEDED, State.CANCELLED))
    assert set(Job.objects.filter(state=State.CANCELLED).values_list("pk", flat=True)) == cancelled
    assert not Result.objects.filter(run__in=cancelled).exists()


@tried
def test_cancelling_meets_the_end_of_archives(site, settled, image, moments, trial):
    """As for runs; there is one archive a person at a time, so that each is settled before the next."""
    site.start()
    for moment in moments:
        archive = factories.make_archive(image.owner)
        time.sleep(moment)
        try:
            services.cancel_archive(owner=image.owner)
        except Conflict:
            expected = State.SUCCEEDED
        else:
            expected = State.CANCELLED
        settled("cancel against finish (archive)", [archive], expected=(expected,))
        assert JobOutput.objects.exclude(key="").exists() == (expected == State.SUCCEEDED)


@tried
def test_deleting_a_person_meets_their_archive(site, settled, media, moments, trial):
    """Nothing of the person comes back, not even as a file."""
    site.start()
    keeper = factories.make_archive(factories.make_image(factories.make_user("keeper")).owner)
    people = [factories.make_user(f"person-{number}") for number in range(CASES)]
    for moment, person in zip(moments, people, strict=True):
        factories.make_image(person)
        factories.make_archive(person)
        time.sleep(moment)
        services.delete_user(user=person)
    settled("delete against archive", [keeper])
    assert list(Job.objects.all()) == [keeper]
    eventually(lambda: {key.split("/")[1] for key in media.keys("outputs")} == {str(keeper.pk)})


@tried
@pytest.mark.parametrize("kind", ["run", "image", "user"])
def test_deleting_meets_runs(site, settled, media, kind, moments, trial):  # noqa: PLR0917 - fixtures
    """Nothing that was deleted comes back, not even as a file; what others have is untouched."""
    site.start()
    keeper = factories.make_run(factories.make_image(factories.make_user("keeper")))
    people = [factories.make_user(f"person-{number}") for number in range(CASES)]
    images = [factories.make_image(person) for person in people]
    for moment, person, image in zip(moments, people, images, strict=True):
        run = factories.make_run(image)
        time.sleep(moment)
        _delete(kind, run, image, person)
    settled(f"delete against run ({kind})", [keeper])
    assert list(Run.objects.all()) == [keeper]
    assert Job.objects.count() == 1
    left = {"run": CASES + 1, "image": 1, "user": 1}[kind]
    assert Image.objects.count() == left
    eventually(lambda: len({key.split("/")[1] for key in media.keys("images")}) == left)
    assert {key.split("/")[1] for key in stored()} == {str(keeper.pk)}


def _delete(kind, run, image, person):
    if kind == "run":
        services.delete_run(run=run)
    elif kind == "image":
        services.delete_image(image=image)
    else:
        services.delete_user(user=person)


@tried
@pytest.mark.parametrize(("kind", "name"), [("run", "binary.png"), ("archive", "archive.zip")])
def test_cancelling_stops_the_child_within_a_second(  # noqa: PLR0917 - fixtures
    site, settled, image, record_property, kind, name, trial
):
    site.start()
    site.gates.close(name)
    job = factories.make_run(image) if kind == "run" else factories.make_archive(image.owner)
    site.gates.wait_until_reached(name)
    began = time.monotonic()
    if kind == "run":
        services.cancel_run(run=job)
    else:
        services.cancel_archive(owner=image.owner)
    eventually(lambda: not site.children(), within=10)
    record_property("seconds to the end of a cancelled child", round(time.monotonic() - began, 2))
    site.gates.open(name)
    settled(f"cancel in its middle ({kind})", [job], expected=(State.CANCELLED,))
