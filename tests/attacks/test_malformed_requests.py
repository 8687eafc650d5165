"""Requests that no program of ours sends. The API answers each with a problem, and the site goes on."""

import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from segmentation.models import Image, Run
from tests import factories
from tests.clients import Browser, content_of, problem_of

pytestmark = pytest.mark.django_db(transaction=True)
PNG = factories.encoded(factories.pixels())

SOME_ID = uuid.UUID("2ad75c0b-4f24-4382-b707-be924eabb9a4")  # of nothing


@pytest.fixture
def browser(owner):
    return Browser(owner)


def multipart(*parts):
    """A body of form fields with the boundary x, from (headers, content)."""
    return b"".join(b"--x\r\n" + headers + b"\r\n\r\n" + content + b"\r\n" for headers, content in parts) + b"--x--\r\n"


FILE = b'Content-Disposition: form-data; name="image"; filename="%s"'


@pytest.mark.parametrize(
    "address",
    [
        *("runs/zz", "runs/1", "images/zz/masks", "runs/00000000-0000-0000-0000-00000000000g", "nothing", "", "runs/"),
        *("images/%00", "%ff%fe", "..%2f..%2fadmin/", "runs/" + "9" * 4000, f"images/{SOME_ID}/nothing", "docs/x"),
        f"runs/{str(SOME_ID).upper()}",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_address_that_does_not_exist_is_a_problem(browser, address, method):
    problem = problem_of(browser.send(method, f"/api/v1/{address}"))
    assert (problem["status"], problem["code"]) == (404, "not_found")


@pytest.mark.parametrize("method", ["GET", "PUT", "TRACE", "OPTIONS", "CONNECT", "PROPFIND", "BREW"])
def test_a_method_that_is_not_taken_is_a_problem_that_names_those_that_are(browser, method):
    response = browser.send(method, "/api/v1/runs")
    assert problem_of(response)["code"] == "invalid_request"
    assert (response.status_code, response.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b"\x00", b'"\xff\xfe"', b'{"image": "\xff"}', b"\xef\xbb\xbf{}", b"1e999", b"NaN"),
        *(b"<run/>", b"image=1&recipe=2", b"[" * 100_000, b'{"a":' * 100_000, b"9" * 10_000, b'{"image": "\\u0000"}'),
        b'{"image": "\\ud800", "recipe": {}}',
    ],
)
def test_a_body_that_cannot_be_read_is_a_problem(browser, body):
    problem = problem_of(browser.send("POST", "/api/v1/runs", body))
    assert problem["status"] in {400, 422}
    assert problem["code"] == "invalid_request"


@pytest.mark.parametrize(
    "content_type",
    ["text/xml", "application/x-www-form-urlencoded", "application/json; charset=klingon", "", "\u00e9", "a/b;;;;=="],
)
def test_a_body_of_another_kind_is_a_problem(browser, content_type):
    assert problem_of(browser.send("POST", "/api/v1/runs", b"<run/>", content_type))["code"] == "invalid_request"


@pytest.mark.parametrize("content_type", ["multipart/form-data", "multipart/form-data; boundary=", "text/plain", ""])
def test_an_upload_that_is_no_form_is_a_problem(browser, content_type):
    problem = problem_of(browser.send("POST", "/api/v1/images", PNG, content_type))
    assert problem["status"] in {400, 422}
    assert not Image.objects.exists()


@pytest.mark.parametrize(
    "parts",
    [
        [(FILE % b"a\xff\xfe.png", PNG)],
        [(FILE % b"a\xed\xa0\x80.png", PNG)],
        [(FILE % (b"a" * 300_000) + b".png", PNG)],
        [(FILE % b"a.png" + b"\r\nContent-Type: image/png; charset=klingon", b"no picture")],
        [(b'Content-Disposition: form-data; name="other"', b"a" * 3_000_000)],
        [(b'Content-Disposition: form-data; name="f%d"' % number, b"1") for number in range(1200)],
        [(FILE % b"a%d.png" % number, b"1") for number in range(120)],
        [(b'Content-Disposition: form-data; name="image"', PNG)],
    ],
    ids=["latin-1", "surrogate", "endless name", "charset", "large field", "many fields", "many files", "field"],
)
def test_a_form_that_is_out_of_shape_is_a_problem(browser, parts):
    problem = problem_of(browser.send("POST", "/api/v1/images", multipart(*parts), "multipart/form-data; boundary=x"))
    assert problem["status"] in {400, 413, 415, 422}
    assert not Image.objects.exists()


def test_a_body_of_megabytes_is_too_large(browser, image):
    body = {"image": str(image.pk), "recipe": {"n_clusters": "3" * 3_000_000}}
    problem = problem_of(browser.send("POST", "/api/v1/runs", body))
    assert (problem["status"], problem["code"]) == (413, "too_large")
    assert "MB" in problem["detail"]
    assert not Run.objects.exists()


def test_a_name_longer_than_a_file_may_have_is_cut(browser, media_root):
    for name in ("a" * 5000 + ".png", "x." + "b" * 240, "." * 300, "\u00e4" * 255):
        response = browser.send_form("/api/v1/images", {"image": SimpleUploadedFile(name, PNG)})
        assert response.status_code == 201
    assert all(len(image.name) <= 255 for image in Image.objects.all())
    assert Image.objects.filter(name__endswith="aaa.png").exists()


@pytest.mark.parametrize("query", ["", "?x=1", "?x=a&y=1", "?x=%00&y=1", "?x=1.5&y=1", "?x=" + "9" * 5000 + "&y=1"])
def test_a_place_that_is_no_number_is_a_problem(browser, finished_run, query):
    problem = problem_of(browser.get(f"/api/v1/runs/{finished_run.pk}/at{query}"))
    assert (problem["status"], problem["code"]) == (422, "invalid_request")


def test_an_answer_of_the_api_to_a_foreign_host_is_a_problem(browser):
    problem = problem_of(browser.get("/api/v1/runs/1", headers={"Host": "gmm.evil.example"}))
    assert (problem["status"], problem["code"]) == (400, "invalid_request")


def test_a_fault_of_ours_is_a_problem_that_tells_nothing_of_the_program(browser, image, monkeypatch):
    monkeypatch.setattr("segmentation.api.images.ImageOut.of", lambda _image: 1 / 0)
    response = browser.get(f"/api/v1/images/{image.pk}")
    problem = problem_of(response)
    assert (problem["status"], problem["code"]) == (500, "internal_error")
    assert "division" not in response.content.decode()
    assert response.headers["X-Request-ID"]


@pytest.mark.parametrize(
    "address", ["/history/?q=%ff%00", "/history/?page=zz&image=%00", "/history/?image=" + "1" * 5000, "/?like=%00"]
)
def test_a_page_asked_for_with_nonsense_is_a_page(browser, address):
    assert browser.get(address).status_code == 200


@pytest.mark.parametrize("fields", [{}, {"revision": "9" * 400}, {"revision": "\x00"}, {"revision": "-1"}])
@pytest.mark.parametrize("what", ["legend/", "legend/merge/", "legend/undo/"])
def test_a_form_of_a_page_with_nonsense_changes_nothing(browser, finished_run, what, fields):
    fields = {"into": "9" * 30, "other": "1", **fields}
    response = browser.send_form(f"/runs/{finished_run.pk}/{what}", fields)
    assert response.status_code == 302
    assert content_of(response) == b""
    assert Run.objects.get().revision == 0
