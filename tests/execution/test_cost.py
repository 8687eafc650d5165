"""The expected cost of a run: it grows with everything that makes a run longer, and is corrected by the speed of workers."""

import functools
import resource

import pytest

from segmentation import services
from segmentation.engine import pipeline
from segmentation.engine.imaging import Limits
from segmentation.engine.recipe import Inputs, Recipe
from segmentation.engine.sandbox import Allowance, Child
from segmentation.execution.heartbeat import Heartbeat
from segmentation.execution.kinds.run.cost import cost_of, expected_seconds, seconds
from segmentation.models import Job, Run, Worker
from tests import factories
from tests.processes import eventually

PLAIN = {"n_clusters": 8}
LIMITS = Limits(bytes=10**9, pixels=10**9, decoded_bytes=10**9)
FACTOR = 5  # the benchmark asks for three, on pictures that are large enough for one start of a process to count little


def of(megapixels=1.0, *, bands=3, item_bytes=1, **recipe):
    return seconds(pixels=round(megapixels * 1e6), bands=bands, item_bytes=item_bytes, recipe=Recipe(**PLAIN | recipe))


@pytest.mark.parametrize(
    "more",
    [
        {"megapixels": 10.0},
        {"bands": 16},
        {"item_bytes": 2},
        {"n_clusters": 32},
        {"preset": "areas"},
        {"features": "lab"},
        {"texture": 1},
        {"position": True},
        {"smoothness": 0.5},
        {"smallest_region": 0.01},
        {"restarts": 20},
        {"tolerance": 1e-9},
        {"exact": True},
        {"n_clusters": None},
    ],
    ids=lambda more: next(iter(more)),
)
def test_what_makes_a_run_longer_makes_it_cost_more(more):
    assert of(**more) > of()


def test_what_makes_a_run_shorter_makes_it_cost_less():
    assert of(max_iterations=1) < of()
    assert of(tolerance=0.1) < of()
    assert of(tolerance=1e-9, max_iterations=10_000) < 5 * of(), "most fits end long before the limit"


def test_the_most_expensive_run_is_long_and_a_common_one_short():
    worst = of(49.0, n_clusters=32, restarts=20, max_iterations=10_000, exact=True, texture=2, position=True)
    assert worst > 600
    assert of(12.0, n_clusters=5) < 1
    assert of(49.0, preset="regions", n_clusters=None) > 5


@pytest.mark.parametrize(
    "recipe",
    [
        {"n_clusters": 5},
        {"n_clusters": 32, "restarts": 20},
        {"n_clusters": 16, "exact": True},
        {"n_clusters": 8, "features": "lab", "texture": 2, "position": True},
        {"n_clusters": 8, "smoothness": 0.7, "smallest_region": 0.01},
        {"n_clusters": None},
        {"preset": "regions", "n_clusters": None},
    ],
    ids=["plain", "starts", "exact", "textured", "smooth", "chosen", "regions"],
)
def test_the_expected_cost_is_what_it_takes_of_one_core(recipe):
    recipe = Recipe(**recipe)
    data = factories.encoded(factories.pixels(800, 600))
    work = functools.partial(pipeline.run, data, name="", recipe=recipe, limits=LIMITS)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = Child.fork(lambda _report: work() and None, allowance=Allowance(memory=10**9, seconds=600))
    eventually(child.poll, within=300)
    child.result()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    took = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    expected = seconds(pixels=480_000, bands=3, item_bytes=1, recipe=recipe)
    assert expected / FACTOR < took < expected * FACTOR


@pytest.mark.django_db(transaction=True)
def test_a_run_that_begins_with_a_mixture_tries_no_starts(finished_run):
    recipe = Recipe(n_clusters=3, restarts=20)
    begun = services.create_run(image=finished_run.image, recipe=recipe, begin=finished_run)
    assert begun.job.expected_seconds == cost_of(begun)
    assert begun.job.expected_seconds < expected_seconds(image=finished_run.image, recipe=recipe, inputs=Inputs())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("recipe", [7, {"n_clusters": 1000}])
def test_a_recipe_that_does_not_parse_costs_nothing_since_it_fails_at_once(queued_run, recipe):
    Run.objects.update(recipe=recipe)
    assert cost_of(Run.objects.select_related("image").get()) == 0.0


# --- the speed of a worker ------------------------------------------------------------------------------------------------


def measured(worker_row, *samples):
    for expected, took in samples:
        Worker.objects.update_speed(worker_row.pk, expected=expected, took=took)
    return Worker.objects.get(pk=worker_row.pk).speed


@pytest.mark.django_db(transaction=True)
def test_the_speed_follows_what_runs_take(worker_row):
    assert measured(worker_row, *[(1.0, 2.0)] * 60) == pytest.approx(0.5, rel=0.02)
    assert measured(worker_row, *[(3.0, 1.0)] * 90) == pytest.approx(3.0, rel=0.02)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("took", [1e-6, 1e6])
def test_one_outlier_hardly_moves_the_speed_and_a_thousand_keep_it_within_bounds(worker_row, took):
    assert measured(worker_row, (1.0, took)) == pytest.approx(1.0, rel=0.08)
    assert 0.12 < measured(worker_row, *[(1.0, took)] * 100) < 8.01


@pytest.mark.django_db(transaction=True)
def test_a_new_worker_begins_with_the_speed_of_its_host():
    with Heartbeat().registered() as first:
        Worker.objects.filter(pk=first.id).update(speed=2.5)
    with Heartbeat().registered() as second:
        assert second.speed == Worker.objects.get(pk=second.id).speed == 2.5


@pytest.mark.django_db(transaction=True)
def test_a_worker_learns_from_the_runs_that_it_finishes(start_worker, owner, ended):
    start_worker()
    image = factories.make_image(owner, factories.encoded(factories.pixels(640, 480)))
    run = services.create_run(image=image, recipe=Recipe(n_clusters=16, restarts=5))
    assert Job.objects.get().expected_seconds > 0.2
    ended(run)
    eventually(lambda: Worker.objects.exclude(speed=1.0).exists())
