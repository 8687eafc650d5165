import io
import json
import uuid

import numpy as np
import PIL.Image
import pytest

from segmentation.models import Image, Job, Run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser(client, owner):
    client.force_login(owner)
    return client


def png(size=(32, 24)):
    pixels = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def named(data, name):
    file = io.BytesIO(data)
    file.name = name
    return file


def post(browser, address, body):
    return browser.post(address, body, content_type="application/json")


def test_a_script_uploads_a_picture_and_starts_a_run(browser):
    uploaded = browser.post("/api/v1/images", {"image": named(png(), "grain.png")})
    assert uploaded.status_code == 201
    image = uploaded.json()
    assert (image["name"], image["width"], image["height"], image["format"]) == ("grain.png", 32, 24, "PNG")
    created = post(browser, "/api/v1/runs", {"image": image["id"], "recipe": {"n_clusters": 5}})
    assert created.status_code == 201
    run = created.json()
    assert (run["state"], run["position"], run["error"], run["clusters"]) == ("queued", 0, None, [])
    assert run["recipe"]["n_clusters"] == 5
    assert browser.get(run["links"]["self"]).json()["id"] == run["id"]
    assert browser.get(image["links"]["original"]).getvalue() == png()


def test_a_refused_picture_is_a_problem_with_code_and_sentence(browser):
    response = browser.post("/api/v1/images", {"image": named(b"GIF89a", "a.gif")})
    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert set(problem) == {"type", "title", "status", "detail", "code"}
    assert (problem["code"], problem["status"]) == ("corrupt", 422)
    assert not Image.objects.exists()


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ({"n_clusters": 1}, "between 2 and 32"),
        ({"n_clusters": 33}, "between 2 and 32"),
        ({"n_clusters": "many"}, "whole number"),
        ({"n_clusters": True}, "whole number"),
        ({"clusters": 3}, "not a setting"),
    ],
)
def test_a_recipe_out_of_range_is_refused_with_a_sentence(browser, image, recipe, says):
    response = post(browser, "/api/v1/runs", {"image": str(image.pk), "recipe": recipe})
    assert (response.status_code, response.json()["code"]) == (422, "bad_recipe")
    assert says in response.json()["detail"]
    assert not Run.objects.exists()


@pytest.mark.parametrize("body", ["", "{", "[]", '{"image": "x", "recipe": {}}', '{"recipe": {}}'])
def test_a_body_that_does_not_parse_is_an_invalid_request(browser, body):
    response = browser.post("/api/v1/runs", body, content_type="application/json")
    assert response.status_code in {400, 422}
    assert response.json()["code"] == "invalid_request"


def test_polling_costs_nothing_while_nothing_changes(browser, queued_run):
    address = f"/api/v1/runs/{queued_run.pk}"
    first = browser.get(address)
    again = browser.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    Job.objects.cancel(queued_run.pk)
    changed = browser.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.json()["state"] == "cancelled"


def test_a_finished_run_tells_its_clusters_and_where_its_pictures_are(browser, finished_run):
    run = browser.get(f"/api/v1/runs/{finished_run.pk}").json()
    assert run["state"] == "succeeded"
    assert sum(cluster["pixels"] for cluster in run["clusters"]) == finished_run.image.width * finished_run.image.height
    assert {"labels", "segmented", "binary", "components", "thumbnail"} <= set(run["links"])
    for name in ("labels", "segmented", "binary", "components", "thumbnail"):
        response = browser.get(run["links"][name])
        assert response.status_code == 200
        PIL.Image.open(io.BytesIO(response.getvalue())).verify()


def test_the_foreground_is_toggled_against_the_revision_that_was_seen(browser, finished_run):
    address = f"/api/v1/runs/{finished_run.pk}/legend"
    before = browser.get(f"/api/v1/runs/{finished_run.pk}").json()
    binary = browser.get(before["links"]["binary"])
    flipped = [{"index": c["index"], "foreground": not c["foreground"]} for c in before["clusters"]]
    edit = json.dumps({"revision": 0, "clusters": flipped})
    after = browser.patch(address, edit, content_type="application/json")
    assert (after.status_code, after.json()["revision"]) == (200, 1)
    fresh = browser.get(before["links"]["binary"], headers={"If-None-Match": binary.headers["ETag"]})
    assert fresh.status_code == 200
    old, new = (np.asarray(PIL.Image.open(io.BytesIO(r.getvalue()))) for r in (binary, fresh))
    np.testing.assert_array_equal(old, 255 - new)
    conflict = browser.patch(address, edit, content_type="application/json")
    assert (conflict.status_code, conflict.json()["code"]) == (409, "revision_conflict")


def test_two_clusters_are_merged_and_that_is_undone(browser, finished_run):
    address = f"/api/v1/runs/{finished_run.pk}/legend"
    merged = browser.patch(address, {"revision": 0, "merge": [1, 2]}, content_type="application/json")
    assert merged.status_code == 200
    assert [cluster["components"] for cluster in merged.json()["clusters"]] == [[0], [1, 2]]
    stale = browser.patch(address, {"revision": 0, "undo": True}, content_type="application/json")
    assert (stale.status_code, stale.json()["code"]) == (409, "revision_conflict")
    undone = browser.patch(address, {"revision": 1, "undo": True}, content_type="application/json")
    assert (undone.json()["revision"], len(undone.json()["clusters"])) == (0, 3)
    alone = browser.patch(address, {"revision": 0, "merge": [1, 1]}, content_type="application/json")
    assert (alone.status_code, alone.json()["code"]) == (422, "invalid_request")


def test_a_pixel_is_looked_at(browser, finished_run):
    address = f"/api/v1/runs/{finished_run.pk}/at"
    look = browser.get(address, {"x": 14, "y": 18}).json()
    assert (look["revision"], look["x"], look["y"]) == (0, 14, 18)
    assert sum(look["clusters"]) == pytest.approx(1)
    assert look["clusters"][look["cluster"]] > 0.5
    outside = browser.get(address, {"x": 48, "y": 0})
    assert (outside.status_code, outside.json()["code"]) == (422, "invalid_request")
    assert "48 pixels wide and 36 high" in outside.json()["detail"]
    assert browser.get(address, {"x": "left"}).status_code == 422


@pytest.mark.parametrize("name", ["at?x=0&y=0", "fit", "overlaps", "regions"])
def test_what_a_result_tells_is_a_conflict_while_there_is_none(browser, queued_run, name):
    refused = browser.get(f"/api/v1/runs/{queued_run.pk}/{name}")
    assert (refused.status_code, refused.json()["code"]) == (409, "state_conflict")


def test_overlaps_and_regions_follow_the_legend(browser, finished_run):
    address = f"/api/v1/runs/{finished_run.pk}"
    before = browser.get(f"{address}/overlaps").json()
    matrix = np.array(before["coefficients"])
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_array_equal(np.diag(matrix), 1)
    off = matrix - np.eye(3)
    assert off[tuple(before["merge_first"])] == off.max()
    assert len(browser.get(f"{address}/regions").json()["regions"]) == 3
    browser.patch(f"{address}/legend", {"revision": 0, "merge": [0, 1]}, content_type="application/json")
    assert np.shape(browser.get(f"{address}/overlaps").json()["coefficients"]) == (2, 2)
    after = browser.get(f"{address}/regions").json()
    assert (after["revision"], len(after["regions"])) == (1, 2)


def test_a_fit_can_be_replayed(browser, finished_run):
    fit = browser.get(f"/api/v1/runs/{finished_run.pk}/fit").json()
    assert (len(fit["history"]), fit["frames"]) == (fit["iterations"], None)
    frames = browser.get(f"/api/v1/runs/{finished_run.pk}/fit", {"parameters": "true"}).json()["frames"]
    assert [frame["iteration"] for frame in frames] == list(range(fit["iterations"] + 1))
    for name in ("weights", "means", "covariances"):
        np.testing.assert_allclose(frames[-1][name], finished_run.result.mixture[name], rtol=1e-9, atol=1e-9)


def test_cancel_retry_and_delete(browser, queued_run):
    address = f"/api/v1/runs/{queued_run.pk}"
    assert browser.post(f"{address}/cancel").json()["state"] == "cancelled"
    assert browser.post(f"{address}/cancel").json()["code"] == "state_conflict"
    assert browser.post(f"{address}/retry").json()["state"] == "queued"
    assert browser.delete(address).status_code == 204
    assert browser.get(address).json()["code"] == "not_found"
    image = f"/api/v1/images/{queued_run.image_id}"
    assert browser.get(image).status_code == 200
    assert browser.delete(image).status_code == 204
    assert browser.get(image).status_code == 404


def test_staff_who_may_only_look_cannot_change(client, staff, queued_run):
    staff.user_permissions.remove(*staff.user_permissions.filter(codename__startswith="change_"))
    client.force_login(staff)
    assert client.get(f"/api/v1/runs/{queued_run.pk}").status_code == 200
    refused = client.post(f"/api/v1/runs/{queued_run.pk}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")


def test_nothing_at_an_address_is_a_problem_too(browser):
    response = browser.get(f"/api/v1/runs/{uuid.uuid4()}")
    assert (response.status_code, response.json()["code"]) == (404, "not_found")


def test_the_schema_describes_every_operation(client):
    schema = client.get("/api/v1/openapi.json").json()
    operations = {(method, path) for path, methods in schema["paths"].items() for method in methods}
    assert ("post", "/api/v1/images") in operations
    assert ("patch", "/api/v1/runs/{run_id}/legend") in operations
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            assert {"401", "404", "422"} <= set(operation["responses"]), (method, path)
