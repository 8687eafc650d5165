"""Limits of runs: sufficient for every recipe, low for small pictures, and never above the settings."""

import functools
import uuid

import pytest

from segmentation.engine import pipeline
from segmentation.engine.imaging import Limits
from segmentation.engine.recipe import Recipe
from segmentation.engine.sandbox import Child
from segmentation.execution.kinds import kind_of
from segmentation.execution.kinds.run.allowance import allowance
from segmentation.execution.kinds.run.cost import seconds
from tests import factories
from tests.processes import eventually

LIMITS = Limits(bytes=10**9, pixels=10**9, decoded_bytes=10**9)
PLAIN = Recipe(n_clusters=5)
RECIPES = {
    "plain": PLAIN,
    "many": Recipe(n_clusters=32),
    "exact": Recipe(n_clusters=5, exact=True),
    "smooth": Recipe(n_clusters=5, smoothness=1, smallest_region=0.05),
    "textured": Recipe(n_clusters=5, features="lab", texture=2, position=True),
    "chosen": Recipe(n_clusters=None),
    "regions": Recipe(preset="regions", n_clusters=None),
    "all": Recipe(
        n_clusters=5, features="lab", texture=2, position=True, smoothness=1, smallest_region=0.05, exact=True
    ),
}


def of(megapixels, *, bands=3, item_bytes=1, recipe=PLAIN, speed=1.0):
    picture = {"pixels": round(megapixels * 1e6), "bands": bands, "item_bytes": item_bytes}
    return allowance(**picture, recipe=recipe, expected=seconds(**picture, recipe=recipe) / speed)


def test_a_small_picture_cannot_take_the_machine():
    small = of(0.27)
    assert small.memory < 400_000_000
    assert small.seconds == 60


def test_long_runs_may_take_ten_times_what_they_are_expected_to_on_this_worker():
    most = RECIPES["all"]
    expected = seconds(pixels=12_000_000, bands=3, item_bytes=1, recipe=most)
    assert of(12, recipe=most).seconds == pytest.approx(10 * expected)
    assert of(12, recipe=most, speed=0.5).seconds == pytest.approx(20 * expected)


def test_larger_deeper_pictures_of_more_bands_may_take_more():
    plain, larger, deeper, wider = of(1), of(2), of(1, item_bytes=2), of(1, bands=16)
    assert plain.memory < deeper.memory < larger.memory < wider.memory
    exact = of(1, recipe=RECIPES["exact"])
    assert exact.memory > 1.3 * plain.memory
    largest, deepest, widest = (
        of(49, recipe=Recipe(n_clusters=8, exact=True, texture=2), **kind)
        for kind in ({}, {"item_bytes": 2}, {"bands": 16, "item_bytes": 2})
    )
    assert 60 < largest.seconds < deepest.seconds < widest.seconds


def test_no_run_may_take_more_than_the_site_allows(settings):
    settings.GMM_RUN_MEMORY, settings.GMM_RUN_SECONDS = 500_000_000, 100.0
    largest = of(50, bands=4, item_bytes=2, recipe=RECIPES["exact"])
    assert (largest.memory, largest.seconds) == (500_000_000, 100.0)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_every_recipe_can_be_done_within_it(recipe):
    """Here on a small picture; `benchmarks/allowance.py` does it with the largest."""
    data = factories.encoded(factories.pixels(640, 420))
    work = functools.partial(pipeline.run, data, name="", recipe=recipe, limits=LIMITS)
    child = Child.fork(lambda _report: len(pipeline.masters(work())), allowance=of(640 * 420 / 1e6, recipe=recipe))
    eventually(child.poll, within=90)
    assert child.result() == 4


@pytest.mark.django_db(transaction=True)
def test_an_attempt_is_allowed_what_its_picture_needs(queued_run):
    image = queued_run.image
    queued_run.job.lease = uuid.uuid4()
    allowed = kind_of(queued_run.job).assign(queued_run.job).allowance
    recipe = Recipe.from_mapping(queued_run.recipe)
    expected = queued_run.job.expected_seconds
    assert expected == seconds(pixels=image.width * image.height, bands=3, item_bytes=1, recipe=recipe)
    pixels = image.width * image.height
    assert allowed == allowance(pixels=pixels, bands=3, item_bytes=1, recipe=recipe, expected=expected)
