"""A run that is repeated from its pages has the same recipe, for all possible values of a recipe."""

import pytest
from django.urls import reverse
from hypothesis import HealthCheck, given, settings, strategies

from segmentation.engine.recipe import MAX_CLUSTERS, MAX_REGIONS, MAX_SEED, Covariance, Features, Preset, Recipe
from segmentation.forms import RecipeForm, recipe_fields
from segmentation.models import Run
from tests.markup import fields_of

pytestmark = pytest.mark.django_db(transaction=True)

SETTINGS = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)


@strategies.composite
def recipes(draw):
    preset = draw(strategies.sampled_from(Preset))
    most = MAX_REGIONS if preset is Preset.REGIONS else MAX_CLUSTERS
    return Recipe(
        preset=preset,
        n_clusters=draw(strategies.none() | strategies.integers(2, most)),
        features=draw(strategies.sampled_from(Features)),
        texture=draw(strategies.integers(0, 2)),
        position=draw(strategies.booleans()),
        covariance=draw(strategies.sampled_from(Covariance)),
        smoothness=draw(strategies.floats(0, 1)),
        smallest_region=draw(strategies.sampled_from([0.0, 0.0005, 0.01]) | strategies.floats(0, 0.1)),
        seed=draw(strategies.integers(0, MAX_SEED)),
        restarts=draw(strategies.integers(1, 20)),
        tolerance=draw(strategies.floats(1e-9, 0.1)),
        max_iterations=draw(strategies.integers(1, 10_000)),
        exact=draw(strategies.booleans()),
    )


@given(recipe=recipes())
@settings(deadline=None)
def test_a_recipe_comes_back_from_the_fields_it_was_written_to(recipe):
    form = RecipeForm(recipe_fields(recipe.to_mapping()))
    assert form.is_valid(), form.errors
    assert form.recipe == recipe


def like(run, recipe):
    """Set the recipe of a run."""
    Run.objects.filter(pk=run.pk).update(recipe=recipe.to_mapping(), n_clusters=recipe.n_clusters)


@given(recipe=recipes())
@SETTINGS
def test_the_form_of_a_picture_shows_and_sends_the_recipe_of_the_run_that_it_repeats(
    client, owner, finished_run, recipe
):
    client.force_login(owner)
    like(finished_run, recipe)
    page = client.get(finished_run.image.get_absolute_url(), {"like": finished_run.pk})
    action = reverse("image-run", args=[finished_run.image_id])
    sent = client.post(action, fields_of(page, action))
    assert sent.status_code == 302, sent.context["problem"]
    run = Run.objects.exclude(pk=finished_run.pk).get()
    assert Recipe.from_mapping(run.recipe) == recipe
    run.job.delete()


@given(recipe=recipes())
@SETTINGS
def test_the_page_of_a_run_sends_all_of_its_recipe_but_the_number(client, owner, finished_run, recipe):
    client.force_login(owner)
    like(finished_run, recipe)
    action = reverse("image-run", args=[finished_run.image_id])
    fields = fields_of(client.get(finished_run.get_absolute_url()), action)
    assert client.post(action, fields | {"n_clusters": "7"}).status_code == 302
    run = Run.objects.exclude(pk=finished_run.pk).get()
    assert run.recipe == recipe.to_mapping() | {"n_clusters": 7}
    run.job.delete()
