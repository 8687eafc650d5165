"""A run is repeated with values that are not among the choices of the form."""

import pytest
from playwright.sync_api import expect

from segmentation.engine.recipe import Recipe
from segmentation.models import Run

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("scripts", [True, False])
def test_every_value_of_the_recipe_is_shown_and_sent(sign_in, owner, finished_run, scripts):
    recipe = Recipe(n_clusters=4, smoothness=0.123, smallest_region=0.00037, tolerance=3e-7, seed=4_000_000_000)
    Run.objects.filter(pk=finished_run.pk).update(recipe=recipe.to_mapping(), n_clusters=4)
    page = sign_in(owner, scripts=scripts)
    page.goto(f"{finished_run.image.get_absolute_url()}?like={finished_run.pk}")
    expect(page.get_by_role("spinbutton", name="Smoothness")).to_have_value("0.123")
    chosen = page.get_by_label("Smallest region").locator("option:checked")
    expect(chosen).to_have_text("0.037\N{NARROW NO-BREAK SPACE}% of the picture")
    page.get_by_role("button", name="Run at full size").click()
    page.wait_for_url("**/runs/**")
    run = Run.objects.exclude(pk=finished_run.pk).get()
    assert Recipe.from_mapping(run.recipe) == recipe


def test_slider_and_field_of_the_smoothness_move_together_and_the_field_keeps_what_was_typed(sign_in, owner, image):
    page = sign_in(owner)
    page.goto(image.get_absolute_url())
    page.get_by_text("More options").click()
    field = page.get_by_role("spinbutton", name="Smoothness")
    slider = page.get_by_role("slider", name="Smoothness")
    field.fill("0.33")
    expect(slider).to_have_value("0.35")
    field.press("Tab")
    expect(field).to_have_value("0.33")
    slider.press("ArrowRight")
    expect(field).to_have_value("0.4")
