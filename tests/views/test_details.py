"""The texts under Fit and Details: one log-likelihood, and the settings."""

import html
import re

import numpy as np
import pytest

from segmentation import execution, services
from segmentation.engine.recipe import Recipe
from segmentation.models import Run
from tests import factories
from tests.markup import markup

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser(client, owner):
    client.force_login(owner)
    return client


def shades(width, height):
    """Return a picture with a smooth grey gradient, for which a fit needs many iterations."""
    noise = np.random.default_rng(5).normal(0, 12, (height, width))
    return np.clip(np.linspace(60, 200, width) + noise, 0, 255).astype(np.uint8)


def finished(owner, pixels=None, **recipe):
    data = factories.encoded(factories.shades() if pixels is None else pixels)
    run = services.create_run(image=factories.make_image(owner, data), recipe=Recipe.from_mapping(recipe))
    execution.serve_until_empty()
    return Run.objects.select_related("job", "image", "result").get(pk=run.pk)


def page_of(browser, run):
    page = html.unescape(markup(browser.get(run.get_absolute_url())))
    found = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", page)
    return page, {name: re.sub("<.*?>", "", value).strip() for name, value in found}


def ends_at(page):
    """Return the last value of the curve, from its alternative text."""
    return re.search(r"from \S+ to (\S+) nats per pixel", page)[1]


@pytest.mark.parametrize("recipe", [{}, {"exact": True}, {"n_clusters": "auto"}, {"max_iterations": 2}])
def test_the_curve_ends_at_the_log_likelihood_that_is_told_in_numbers(browser, owner, recipe):
    run = finished(owner, **recipe)
    page, details = page_of(browser, run)
    value = float(details["Log-likelihood"].split()[0].replace("−", "-"))
    assert value == pytest.approx(run.result.log_likelihood, abs=1e-4)
    assert ends_at(page) == f"{value:.2f}".replace("-", "−")
    assert details["Log-likelihood"].endswith(", mean of all 1,728 pixels")


def test_of_a_sample_the_details_say_so(browser, owner):
    _, details = page_of(browser, finished(owner, shades(600, 500)))
    assert re.search(r"nats per pixel, mean of a sample of \d{3}.\d{3} pixels$", details["Log-likelihood"])


def test_with_smoothing_the_curve_is_named_as_that_of_the_mixture_before(browser, owner):
    run = finished(owner, smoothness="0.7")
    page, details = page_of(browser, run)
    assert "log-likelihood in nats per pixel, by iteration, before smoothing" in page
    assert ends_at(page) == f"{services.fit_history(run=run)[-1]:.2f}".replace("-", "−")
    assert details["Log-likelihood"].startswith(f"{run.result.log_likelihood:.4f}".replace("-", "−"))


def test_all_pixels_are_named_where_the_curve_goes_on_with_them(browser, owner):
    page, _ = page_of(browser, finished(owner, exact="on"))
    assert "by iteration, of a sample, then of all pixels" in page


def test_beside_the_criterion_the_page_says_which_pixels_its_log_likelihood_is_of(browser, owner):
    page, _ = page_of(browser, finished(owner, n_clusters="auto"))
    assert "those on borders included" in page
    assert (
        "The log-likelihood under Details is that of the final mixture on all fitted pixels and therefore differs."
        in page
    )


def test_settings_are_told_in_words(browser, owner):
    recipe = {"position": "on", "smallest_region": "0.001", "texture": "1", "exact": "on", "tolerance": "0.0001"}
    _, details = page_of(browser, finished(owner, **recipe))
    assert details["Position"] == "used as a feature"
    assert details["Smallest region"] == "0.1\N{NARROW NO-BREAK SPACE}% of the picture"
    assert details["Texture"] == "fine"
    assert details["Pixels fitted"] == "all"
    assert details["Tolerance"] == "0.0001 nats per pixel"
    assert {"yes", "no"}.isdisjoint(details.values())
