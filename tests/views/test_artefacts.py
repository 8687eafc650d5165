"""Responses with files that are made from a result, for every artefact of the registry."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import jsonschema
import numpy as np
import PIL.Image
import pytest

from segmentation import execution, files, services
from segmentation.engine import artefacts
from segmentation.engine.artefacts import ARTEFACTS
from segmentation.engine.recipe import Recipe
from segmentation.models import Run
from tests import factories
from tests.markup import markup
from tests.processes import ROOT

pytestmark = pytest.mark.django_db(transaction=True)
SCHEMA = json.loads(Path(artefacts.__file__).with_name("run.schema.json").read_text(encoding="utf-8"))
SINGLE = [name for name, artefact in ARTEFACTS.items() if artefact.has_address and not artefact.parts_folder]


@pytest.fixture
def browser(client, owner):
    client.force_login(owner)
    return client


def body(response):
    assert response.status_code == 200, response
    data = b"".join(response.streaming_content) if response.streaming else response.content
    response.close()
    return data


def labels_of(run):
    with PIL.Image.open(io.BytesIO(files.read(run.result.files["components.png"]["key"]))) as picture:
        return np.asarray(picture)


@pytest.mark.parametrize("name", SINGLE)
def test_every_artefact_is_sent_in_its_type_and_named_after_the_picture(browser, finished_run, name):
    artefact = ARTEFACTS[name]
    address = f"/runs/{finished_run.pk}/{artefact.file_name()}"
    shown = browser.get(address)
    stored = services.stored_result(run=finished_run)
    assert shown.headers["Content-Type"] == artefact.content_type_of(stored)
    assert shown.headers["Content-Disposition"] == f'inline; filename="phantom-k3-{artefact.file_name()}"'
    data = body(shown)
    saved = browser.get(f"{address}?download=1")
    assert saved.headers["Content-Disposition"] == f'attachment; filename="phantom-k3-{artefact.file_name()}"'
    assert body(saved) == data
    again = browser.get(address, headers={"If-None-Match": shown.headers["ETag"]})
    assert again.status_code == 304


def test_each_mask_is_sent_under_the_number_of_its_cluster(browser, finished_run):
    labels = labels_of(finished_run)
    for number in (1, 2, 3):
        response = browser.get(f"/runs/{finished_run.pk}/masks/{number}.png?download=1")
        assert response.headers["Content-Disposition"] == f'attachment; filename="phantom-k3-mask-{number}.png"'
        with PIL.Image.open(io.BytesIO(body(response))) as picture:
            np.testing.assert_array_equal(np.asarray(picture), (labels == number - 1) * 255)
    for number in (0, 4, 254):
        assert browser.get(f"/runs/{finished_run.pk}/masks/{number}.png").status_code == 404


def test_masks_follow_a_merge_and_its_undoing(browser, finished_run, owner):
    labels, address = labels_of(finished_run), f"/runs/{finished_run.pk}/masks"

    def mask(number):
        with PIL.Image.open(io.BytesIO(body(browser.get(f"{address}/{number}.png")))) as picture:
            return np.asarray(picture)

    first = mask(1)
    services.edit_legend(run=finished_run, author=owner, expected=0, merge=(0, 2))
    np.testing.assert_array_equal(mask(1), np.isin(labels, [0, 2]) * 255)
    assert browser.get(f"{address}/3.png").status_code == 404
    with zipfile.ZipFile(io.BytesIO(body(browser.get(f"{address}.zip")))) as archive:
        assert archive.namelist() == ["phantom-k2-mask-1.png", "phantom-k2-mask-2.png"]
    services.undo_legend(run=finished_run, expected=1)
    np.testing.assert_array_equal(mask(1), first)


def test_the_document_of_a_stored_run_follows_the_schema_and_the_legend(browser, finished_run, owner):
    services.edit_legend(run=finished_run, author=owner, expected=0, merge=(0, 1), foreground={2: True})
    document = json.loads(body(browser.get(f"/runs/{finished_run.pk}/run.json")))
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert [cluster["components"] for cluster in document["clusters"]] == [[0, 1], [2]]
    counts = np.bincount(labels_of(finished_run).ravel(), minlength=3)
    assert [cluster["pixels"] for cluster in document["clusters"]] == [counts[0] + counts[1], counts[2]]
    assert [cluster["regions"] for cluster in document["clusters"]] == services.connected_regions(run=finished_run)
    for name, output in document["outputs"].items():
        assert len(body(browser.get(f"/runs/{finished_run.pk}/{name}"))) == output["bytes"]


@pytest.mark.parametrize("recipe", [{"n_clusters": 3, "texture": 1}, {"preset": "regions", "n_clusters": 4}])
def test_web_and_command_line_give_the_same_bytes(browser, owner, tmp_path, recipe):
    rotated = factories.encoded(factories.pixels(), "PNG")
    run = services.create_run(image=factories.make_image(owner, rotated), recipe=Recipe.from_mapping(recipe))
    execution.serve_until_empty()
    run = Run.objects.select_related("job", "image", "result").get(pk=run.pk)
    (tmp_path / "phantom.png").write_bytes(rotated)
    offered = [artefact for artefact in services.available_artefacts(run=run) if artefact.is_offered]
    options = [f"--{name}={value}" for name, value in (("clusters", recipe["n_clusters"]), ("output", tmp_path))]
    options += [f"--{name}={recipe[name]}" for name in ("preset", "texture") if name in recipe]
    arguments = [*options, *(f"--export={artefact.name}" for artefact in (*offered, ARTEFACTS["cluster-mask"]))]
    subprocess.run(
        [sys.executable, "manage.py", "segment", str(tmp_path / "phantom.png"), *arguments], cwd=ROOT, check=True
    )
    folder = tmp_path / "phantom"
    for artefact in offered:
        sent = body(browser.get(f"/runs/{run.pk}/{artefact.file_name()}"))
        written = (folder / artefact.file_name()).read_bytes()
        if artefact.name == "document":
            one, two = json.loads(sent), json.loads(written)
            assert set(one["outputs"]) <= set(two["outputs"])
            two["outputs"] = {name: two["outputs"][name] for name in one["outputs"]}
            assert one.pop("seconds").keys() == two.pop("seconds").keys()
            assert one == two
        else:
            assert sent == written, artefact.name
    for number in ARTEFACTS["cluster-mask"].parts(services.stored_result(run=run)):
        sent = body(browser.get(f"/runs/{run.pk}/masks/{number}.png"))
        assert sent == (folder / f"mask-{number}.png").read_bytes()


def test_the_document_has_the_header_as_it_stands_in_the_file_of_a_turned_picture(browser, owner):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    PIL.Image.fromarray(factories.pixels()).save(file, "JPEG", quality=95, exif=exif)
    run = factories.make_run(factories.make_image(owner, file.getvalue(), "turned.jpg"))
    execution.serve_until_empty()
    document = json.loads(body(browser.get(f"/runs/{run.pk}/run.json")))
    assert (document["input"]["width"], document["input"]["height"]) == (48, 36)
    assert (document["map"]["width"], document["map"]["height"]) == (36, 48)


def test_a_result_that_does_not_know_all_numbers_offers_no_document(browser, finished_run):
    for lacking in ("features", "valid_pixels"):
        extras = finished_run.result.extras
        finished_run.result.extras = {name: value for name, value in extras.items() if name != lacking}
        finished_run.result.save()
        assert browser.get(f"/runs/{finished_run.pk}/run.json").status_code == 404
        assert "run.json" not in markup(browser.get(f"/runs/{finished_run.pk}/"))
        assert "document" not in browser.get(f"/api/v1/runs/{finished_run.pk}").json()["links"]
        finished_run.result.extras = extras
    finished_run.result.extras = {name: value for name, value in extras.items() if name != "header"}
    finished_run.result.save()
    document = json.loads(body(browser.get(f"/runs/{finished_run.pk}/run.json")))
    assert (document["input"]["format"], document["input"]["width"]) == ("PNG", 48)


def test_the_page_offers_every_file_and_one_mask_a_cluster(browser, finished_run):
    page = markup(browser.get(f"/runs/{finished_run.pk}/"))
    for artefact in services.available_artefacts(run=finished_run):
        offered = f'href="/runs/{finished_run.pk}/{artefact.file_name()}?download=1"' in page
        assert offered == artefact.is_offered, artefact.name
    for number in (1, 2, 3):
        assert f'href="/runs/{finished_run.pk}/masks/{number}.png?download=1"' in page
        assert f'aria-label="Mask of cluster {number}"' in page


def test_the_links_of_the_api_lead_to_every_file(browser, finished_run):
    links = browser.get(f"/api/v1/runs/{finished_run.pk}").json()["links"]
    for name in SINGLE:
        assert links[name] == f"/runs/{finished_run.pk}/{ARTEFACTS[name].file_name()}"
        body(browser.get(links[name]))


def test_strangers_get_nothing(client, stranger, finished_run):
    client.force_login(stranger)
    for name in SINGLE:
        assert client.get(f"/runs/{finished_run.pk}/{ARTEFACTS[name].file_name()}").status_code == 404
    assert client.get(f"/runs/{finished_run.pk}/masks/1.png").status_code == 404


def test_a_run_without_result_has_no_files(browser, queued_run):
    for name in SINGLE:
        assert browser.get(f"/runs/{queued_run.pk}/{ARTEFACTS[name].file_name()}").status_code == 404


def test_a_page_of_a_chosen_number_reads_how_the_fit_went_once(browser, owner, monkeypatch):
    services.create_run(image=factories.make_image(owner), recipe=Recipe(n_clusters=None))
    execution.serve_until_empty()
    run, read, keys = Run.objects.get(), files.read, []
    monkeypatch.setattr(files, "read", lambda key: keys.append(key) or read(key))
    page = markup(browser.get(run.get_absolute_url()))
    assert "Why " in page
    assert [key for key in keys if key.endswith("fit.npz")] == [run.result.files["fit.npz"]["key"]]
