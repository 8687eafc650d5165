"""What the API tells of a picture's file, and what a script can change of its reading."""

import json
from pathlib import Path

import jsonschema
import pytest

from segmentation import execution
from segmentation.engine import artefacts
from segmentation.models import Image
from tests import factories

SCHEMA = json.loads(Path(artefacts.__file__).with_name("run.schema.json").read_text(encoding="utf-8"))

pytestmark = pytest.mark.django_db(transaction=True)

OF_FILE = (
    "selection", "axes", "shape", "channel_names", "overviews", "pixel_size", "pixel_size_suggested", "georeference", "no_data",
)  # fmt: skip


@pytest.fixture
def browser(client, owner):
    client.force_login(owner)
    return client


@pytest.fixture
def microscopy(owner):
    return factories.make_image(owner, factories.ome_stack(), name="cells.ome.tif")


def change(browser, image, **body):
    return browser.patch(f"/api/v1/images/{image.pk}", json.dumps(body), content_type="application/json")


def finished(browser, image):
    run = factories.make_run(image, 2)
    execution.serve_until_empty()
    return browser.get(f"/api/v1/runs/{run.pk}").json()


def document_of(browser, run):
    return json.loads(b"".join(browser.get(run["links"]["document"]).streaming_content))


def test_a_picture_tells_what_its_file_contains_in_the_names_of_run_json(browser, microscopy):
    described = browser.get(f"/api/v1/images/{microscopy.pk}").json()
    assert described["selection"] == {"series": 0, "z": 0, "t": 0, "channels": None}
    assert (described["axes"], described["shape"], described["overviews"]) == ("ZCYX", [2, 2, 40, 60], 0)
    assert described["channel_names"] == ["DAPI", "GFP"]
    assert described["pixel_size"] == {"width": 0.25, "height": 0.5, "unit": "um", "source": "ome"}
    assert described["pixel_size_suggested"] is described["georeference"] is described["no_data"] is None
    run = finished(browser, microscopy)
    document = document_of(browser, run)
    assert {name: document["input"][name] for name in OF_FILE} == {name: described[name] for name in OF_FILE}
    assert document["clusters"][0]["bands"] == run["clusters"][0]["bands"]
    assert [band["name"] for band in run["clusters"][0]["bands"]] == ["DAPI", "GFP"]
    assert run["area"] == document["area"] == {"unit": "um2", "method": "pixel_size"}
    for cluster in run["clusters"]:
        assert cluster["area"] == pytest.approx(cluster["pixels"] / 8)


def test_a_script_changes_what_it_names_and_nothing_else(browser, microscopy):
    changed = change(browser, microscopy, selection={"z": 1, "channels": [1]}, no_data=7)
    assert changed.status_code == 200
    assert changed.json()["selection"] == {"series": 0, "z": 1, "t": 0, "channels": [1]}
    assert changed.json()["no_data"] == {"source": "person", "value": 7, "pixels": 240}
    assert changed.json()["channel_names"] == ["GFP"]
    resized = change(browser, microscopy, pixel_size={"width": 2, "height": 2, "unit": "nm"}).json()
    assert resized["pixel_size"] == {"width": 2, "height": 2, "unit": "nm", "source": "person"}
    assert (resized["no_data"], resized["selection"]) == (changed.json()["no_data"], changed.json()["selection"])
    reset = change(browser, microscopy, no_data=None, pixel_size=None).json()
    assert (reset["no_data"], reset["pixel_size"]["source"]) == (None, "ome")
    assert reset["selection"]["z"] == 1
    assert change(browser, microscopy, selection=None).json()["selection"]["z"] == 0
    assert Image.objects.get().reading is None


def test_areas_of_a_result_and_its_document_follow_the_size_that_a_person_gives(browser, microscopy):
    run = finished(browser, microscopy)
    first = document_of(browser, run)
    change(browser, microscopy, pixel_size={"width": 1, "height": 3, "unit": "mm"})
    run = browser.get(run["links"]["self"]).json()
    document = document_of(browser, run)
    assert run["area"] == document["area"] == {"unit": "mm2", "method": "pixel_size"} != first["area"]
    assert [c["area"] for c in run["clusters"]] == [c["area"] for c in document["clusters"]]
    assert [c["area"] for c in run["clusters"]] == [3 * c["pixels"] for c in run["clusters"]]
    jsonschema.validate(document, SCHEMA)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"pixel_size": {"width": -1, "height": 1, "unit": "um"}}, "invalid_request"),
        ({"pixel_size": {"width": 1, "height": 1, "unit": "parsec"}}, "invalid_request"),
        ({"pixel_size": {"width": 1}}, "invalid_request"),
        ({"pixel_size": "large"}, "invalid_request"),
        ({"no_data": "none"}, "invalid_request"),
        ({"alpha": "maybe"}, "bad_recipe"),
        ({"selection": {"z": 2}}, "invalid_request"),
        ({"selection": {"channels": [1, 1]}}, "bad_recipe"),
        ({"selection": {"depth": 1}}, "bad_recipe"),
        ({"pixel_size": {"width": 1, "height": 1, "unit": "um"}, "selection": {"z": -1}}, "bad_recipe"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(browser, microscopy, body, code):
    response = change(browser, microscopy, **body)
    assert (response.status_code, response.json()["code"]) == (422, code)
    stored = Image.objects.get()
    assert (stored.reading, stored.pixel_size) == (None, None)


def test_nobody_else_changes_a_picture(client, stranger, microscopy):
    client.force_login(stranger)
    assert change(client, microscopy, no_data=7).status_code == 404
    assert Image.objects.get().reading is None
