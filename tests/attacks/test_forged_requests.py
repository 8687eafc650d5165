"""Having the browser of somebody who is signed in send a request from another site (CSRF)."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from segmentation.models import Image, Job, Run, User
from tests import factories
from tests.clients import Browser, problem_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser(owner):
    return Browser(owner)


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""],
)
@pytest.mark.parametrize("token", [None, "", "0" * 32, "a" * 64])
def test_a_body_of_any_type_needs_the_token_of_the_session(browser, image, content_type, token):
    body = json.dumps({"image": str(image.pk), "recipe": {"n_clusters": 2}})
    headers = {} if token is None else {"X-CSRFToken": token}
    response = browser.generic("POST", "/api/v1/runs", body, content_type=content_type, headers=headers)
    problem = problem_of(response)
    assert (problem["status"], problem["code"]) == (403, "permission_denied")
    assert not Run.objects.exists()


def test_a_token_of_another_session_is_none_of_ours(browser, image, stranger):
    foreign = Browser(stranger).cookies["csrftoken"].value
    body = {"image": str(image.pk), "recipe": {"n_clusters": 2}}
    assert problem_of(browser.send("POST", "/api/v1/runs", body, **{"X-CSRFToken": foreign}))["status"] == 403


def test_an_upload_from_a_form_of_another_site_is_refused(browser):
    picture = SimpleUploadedFile("a.png", factories.encoded(factories.pixels()))
    assert problem_of(browser.post("/api/v1/images", {"image": picture}))["status"] == 403
    picture.seek(0)
    assert browser.post("/", {"image": picture}).status_code == 403
    assert not Image.objects.exists()


def test_forms_of_pages_need_the_token(browser, finished_run):
    run, image = f"/runs/{finished_run.pk}", f"/images/{finished_run.image_id}"
    changing = [f"{run}/{what}/" for what in ("cancel", "retry", "legend", "legend/merge", "legend/undo", "delete")]
    changing += [f"{image}/run/", f"{image}/delete/", "/theme/", "/samples/china/", "/accounts/logout/"]
    changing += ["/accounts/email/", "/accounts/password/change/"]
    for address in changing:
        assert browser.post(address, {"n_clusters": "2", "revision": "0"}).status_code == 403, address
    assert (Run.objects.count(), Image.objects.count()) == (1, 1)


def test_the_administration_needs_the_token(finished_run, staff):
    browser = Browser(staff)
    for address in (
        f"/admin/segmentation/run/{finished_run.pk}/delete/",
        f"/admin/segmentation/run/{finished_run.pk}/cancel/",
        f"/admin/segmentation/image/{finished_run.image_id}/delete/",
        "/admin/segmentation/user/add/",
    ):
        assert browser.post(address, {"post": "yes"}).status_code == 403, address
    assert Run.objects.exists()


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver.evil.example"])
def test_even_with_the_token_another_origin_is_refused_by_pages(browser, finished_run, origin):
    fields = {"csrfmiddlewaretoken": browser.cookies["csrftoken"].value}
    response = browser.post(f"/runs/{finished_run.pk}/delete/", fields, headers={"Origin": origin})
    assert response.status_code == 403
    assert Run.objects.exists()


def test_signing_somebody_in_to_an_account_of_the_attacker_needs_the_token(db):
    factories.make_user("attacker")
    browser = Browser()
    browser.post("/accounts/login/", {"login": "attacker", "password": factories.PASSWORD})
    assert "sessionid" not in browser.cookies


def test_reading_never_changes_anything(browser, finished_run):
    """An image or link on another site sends GET with the cookie."""
    states = set(Job.objects.values_list("pk", "state"))
    for what in ("cancel/", "retry/", "legend/", "legend/merge/", "legend/undo/", "delete/"):
        browser.get(f"/runs/{finished_run.pk}/{what}?revision=0&foreground=0&into=0&other=1&confirm=yes")
    browser.get(f"/images/{finished_run.image_id}/delete/?post=yes")
    browser.get(f"/images/{finished_run.image_id}/run/?n_clusters=2")
    browser.get("/accounts/logout/")
    assert set(Job.objects.values_list("pk", "state")) == states
    assert Run.objects.get().revision == 0
    assert browser.get("/account/").status_code == 200
    assert User.objects.count() == 1


@pytest.mark.parametrize("name", ["sessionid", "csrftoken"])
def test_cookies_do_not_travel_with_requests_of_other_sites(db, name):
    factories.make_user("owner")
    browser = Browser()
    browser.send_form("/accounts/login/", {"login": "owner", "password": factories.PASSWORD})
    assert browser.cookies[name]["samesite"] == "Lax"
    assert bool(browser.cookies[name]["httponly"]) is (name == "sessionid")
