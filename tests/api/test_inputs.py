import io
import json

import pytest

from segmentation import execution
from segmentation.engine.imaging import masks
from segmentation.engine.recipe import Inputs
from segmentation.models import Run
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser(client, owner):
    client.force_login(owner)
    return client


def upload(browser, image, data=None):
    file = io.BytesIO(factories.encoded(factories.bar_mask()) if data is None else data)
    file.name = "mask.png"
    return browser.post(f"/api/v1/images/{image.pk}/masks", {"mask": file})


def create(browser, image, **body):
    body = {"image": str(image.pk), "recipe": {"n_clusters": "auto"}} | body
    return browser.post("/api/v1/runs", json.dumps(body), content_type="application/json")


def test_a_script_uploads_a_mask_and_names_it_in_a_run(browser, image):
    uploaded = upload(browser, image)
    assert uploaded.status_code == 201
    mask = uploaded.json()
    assert (mask["width"], mask["height"], mask["left_out"]) == (48, 36, 216)
    created = create(browser, image, recipe={"n_clusters": 2}, inputs={"mask": mask["sha256"]})
    assert created.status_code == 201
    assert created.json()["inputs"] == {"schema": 2, "mixture": None, "mask": mask["sha256"]}
    execution.serve_until_empty()
    run = browser.get(created.json()["links"]["self"]).json()
    assert run["state"] == "succeeded"
    assert sum(cluster["pixels"] for cluster in run["clusters"]) == 48 * 36 - 216
    assert browser.get(f"/runs/{run['id']}/mask.png").getvalue() == masks.encode(factories.bar_mask() != 0)


def test_a_run_begins_with_a_mixture(browser, finished_run):
    created = create(browser, finished_run.image, inputs={"mixture": finished_run.result.mixture})
    assert created.status_code == 201
    body = created.json()
    assert (body["recipe"]["n_clusters"], body["parent"]) == (3, None)
    assert Inputs.from_mapping(body["inputs"]).mixture.to_mapping() == finished_run.result.mixture


def test_a_run_begins_with_a_run(browser, finished_run):
    body = create(browser, finished_run.image, begin=str(finished_run.pk)).json()
    assert body["parent"] == str(finished_run.pk)
    assert body["inputs"]["mixture"] == finished_run.result.mixture


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({"mask": "0" * 64}, "invalid_request"),
        ({"mask": "nonsense"}, "bad_recipe"),
        ({"mask": ["0" * 64]}, "bad_recipe"),
        ({"scribbles": 1}, "bad_recipe"),
        ({"mixture": {"weights": [1]}}, "bad_recipe"),
        ({"schema": 5}, "bad_recipe"),
        ({"reading": {"alpha": "none"}}, "bad_recipe"),
        ([], "invalid_request"),
    ],
)
def test_inputs_that_make_no_sense_are_refused(browser, image, inputs, code):
    response = create(browser, image, inputs=inputs)
    assert (response.status_code, response.json()["code"]) == (422, code)
    assert not Run.objects.exists()


def test_not_a_number_in_a_mixture_is_refused(browser, finished_run):
    text = json.dumps(finished_run.result.mixture | {"weights": [float("nan"), 0.5, 0.5]})
    body = f'{{"image": "{finished_run.image_id}", "recipe": {{}}, "inputs": {{"mixture": {text}}}}}'
    response = browser.post("/api/v1/runs", body, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (422, "bad_recipe")


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "empty"), (factories.encoded(factories.bar_mask(9, 9)), "invalid_request")]
)
def test_a_mask_that_does_not_suit_is_a_problem_with_code_and_sentence(browser, image, data, code):
    response = upload(browser, image, data)
    assert (response.status_code, response.json()["code"]) == (422, code)


def test_a_run_without_a_mask_has_none_to_show(browser, queued_run):
    assert browser.get(f"/runs/{queued_run.pk}/mask.png").status_code == 404
