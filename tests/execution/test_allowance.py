"""What runs may take: enough for every recipe, little for small pictures, and never more than the site allows."""

import functools
import uuid

import pytest

from segmentation.engine import pipeline
from segmentation.engine.imaging import Limits
from segmentation.engine.recipe import Recipe
from segmentation.engine.sandbox import Child
from segmentation.execution.allowance import allowance
from segmentation.execution.attempt import Assignment
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


def of(megapixels, *, bands=3, item_bytes=1, recipe=PLAIN):
    return allowance(pixels=round(megapixels * 1e6), bands=bands, item_bytes=item_bytes, recipe=recipe)


def test_a_small_picture_cannot_take_the_machine():
    small = of(0.27)
    assert small.memory < 400_000_000
    assert small.seconds < 90


def test_larger_deeper_pictures_of_more_bands_may_take_more():
    plain, larger, deeper, wider = of(1), of(2), of(1, item_bytes=2), of(1, bands=16)
    assert plain.memory < deeper.memory < larger.memory < wider.memory
    assert plain.seconds == deeper.seconds < larger.seconds < wider.seconds
    assert of(1, bands=1).seconds == plain.seconds, "grey is handled in colour"
    exact = of(1, recipe=RECIPES["exact"])
    assert exact.seconds >= 2 * plain.seconds
    assert exact.memory > 1.3 * plain.memory


def test_no_run_may_take_more_than_the_site_allows(settings):
    settings.GMM_RUN_MEMORY, settings.GMM_RUN_SECONDS = 500_000_000, 100.0
    largest = of(50, bands=4, item_bytes=2)
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
    allowed = Assignment.of(queued_run, lease=uuid.uuid4(), attempt=1).allowance
    recipe = Recipe.from_mapping(queued_run.recipe)
    assert allowed == allowance(pixels=image.width * image.height, bands=3, item_bytes=1, recipe=recipe)
