"""Starting mixtures that break the fit: a weight of almost nothing, values that the picture has not, units out of range."""

import copy

import pytest

from segmentation import execution
from segmentation.models import Job, Run
from tests import factories
from tests.clients import Browser, problem_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser(owner):
    return Browser(owner)


def mixture(*, weights=(0.4, 0.6), values=3, spread=100.0, **more):
    """A mixture of two Gaussians on the grey diagonal."""
    diagonal = [[spread if row == column else 0.0 for column in range(values)] for row in range(values)]
    return {
        "schema": 1,
        "weights": list(weights),
        "means": [[90.0] * values, [200.0] * values],
        "covariances": [diagonal] * 2,
        "covariance_type": "full",
        **more,
    }


def units(n_bands, *, offset=0.0, scale=1.0):
    return {"offset": [offset] * n_bands, "scale": [scale] * n_bands}


def create(browser, image, start, **recipe):
    body = {"image": str(image.pk), "recipe": {"n_clusters": "auto", **recipe}, "inputs": {"mixture": start}}
    return browser.send("POST", "/api/v1/runs", body)


@pytest.mark.parametrize("weight", [1e-300, 5e-324, 1e-46, 1e-31])
def test_a_weight_of_almost_nothing_is_refused(browser, image, weight):
    problem = problem_of(create(browser, image, mixture(weights=(weight, 1.0))))
    assert (problem["status"], problem["code"]) == (422, "bad_recipe")
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("recipe", "values"),
    [
        *(({}, values) for values in (1, 2, 4, 20)),
        ({"texture": 2}, 3),
        ({"position": True}, 3),
        ({"position": True, "texture": 1}, 5),
        ({"features": "gray"}, 3),
        ({"features": "lab"}, 1),
        ({"features": "od", "texture": 1}, 3),
    ],
)
def test_a_mixture_of_another_number_of_values_is_refused(browser, image, recipe, values):
    problem = problem_of(create(browser, image, mixture(values=values), **recipe))
    assert (problem["status"], problem["code"]) == (422, "invalid_request")
    assert str(values) in problem["detail"]
    assert not Run.objects.exists()


@pytest.mark.parametrize("n_bands", [1, 2, 4])
def test_units_of_another_number_of_bands_are_refused(browser, image, n_bands):
    problem = problem_of(create(browser, image, mixture(units=units(n_bands))))
    assert (problem["status"], problem["code"]) == (422, "invalid_request")
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    "start",
    [
        mixture(units=units(3, scale=1e-300)),
        mixture(units=units(3, scale=1e18)),
        mixture(units=units(3, offset=1e18)),
        mixture(units=units(3, offset=-1e18, scale=1e-18)),
        mixture(spread=1e-18),
        mixture(spread=1e-300),
        mixture(spread=1e18),
        mixture(weights=(1e-30, 1.0)),
        mixture() | {"means": [[1e18] * 3, [-1e18] * 3]},
        mixture() | {"means": [[100.0] * 3] * 2},
    ],
    ids=["tiny units", "huge units", "far units", "far and tiny", "thin", "thinner", "wide", "light", "far", "same"],
)
@pytest.mark.parametrize("recipe", [{}, {"covariance": "tied", "smoothness": 0.5}, {"exact": True, "texture": 1}])
def test_whatever_is_accepted_ends_in_a_result_or_a_sentence(browser, image, start, recipe):
    if recipe.get("texture"):
        start = copy.deepcopy(start)
        start["means"] = [[*mean, 1.0] for mean in start["means"]]
        wide = [[*row, 0.0] for row in start["covariances"][0]] + [[0.0] * 3 + [start["covariances"][0][0][0]]]
        start["covariances"] = [wide] * 2
    response = create(browser, image, start, **recipe)
    if response.status_code != 201:
        assert problem_of(response)["status"] == 422
        return
    execution.serve_until_empty()
    job = Job.objects.get()
    assert job.state == "succeeded" or job.error_code == "invalid_request", job.error_code


def test_a_mixture_of_a_grey_picture_has_one_value(browser, owner):
    grey = factories.make_image(owner, factories.encoded(factories.pixels()[..., 0]))
    assert create(browser, grey, mixture(values=1)).status_code == 201
    assert problem_of(create(browser, grey, mixture(values=3)))["code"] == "invalid_request"
    transparent = factories.make_image(owner, factories.encoded(factories.translucent()))
    assert create(browser, transparent, mixture(values=3)).status_code == 201
    assert problem_of(create(browser, transparent, mixture(values=4)))["code"] == "invalid_request"
