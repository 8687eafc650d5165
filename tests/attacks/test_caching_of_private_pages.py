"""Reading a person's pages, answers and pictures out of a cache after they have signed out, or through somebody else's."""

import pytest

from tests import factories
from tests.clients import Browser, content_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def browser(owner):
    return Browser(owner)


def kept(response):
    response.close()
    return response.headers["Cache-Control"]


def is_private(value):
    return {"private", "no-store"} <= {part.strip() for part in value.split(",")}


def test_pages_of_a_person_are_kept_nowhere(browser, finished_run, queued_run):
    image = finished_run.image_id
    pages = ["/", "/history/", "/account/", "/help/", f"/images/{image}/", f"/runs/{finished_run.pk}/"]
    pages += [f"/runs/{queued_run.pk}/", f"/runs/{queued_run.pk}/delete/", f"/images/{image}/delete/", "/nothing/"]
    pages += ["/accounts/email/", "/accounts/password/change/", "/accounts/logout/", "/accounts/reauthenticate/"]
    assert {page: value for page in pages if not is_private(value := kept(browser.get(page)))} == {}


def test_answers_of_the_api_are_kept_nowhere(browser, finished_run):
    run, image = f"/api/v1/runs/{finished_run.pk}", f"/api/v1/images/{finished_run.image_id}"
    for address in (run, image, f"{run}/at?x=0&y=0", f"{run}/regions", f"{run}/overlaps", f"{run}/fit", "/api/v1/zz"):
        assert kept(browser.get(address)) == "private, no-store", address


def test_what_was_not_changed_is_kept_nowhere_either(browser, finished_run):
    address = f"/api/v1/runs/{finished_run.pk}"
    etag = browser.get(address).headers["ETag"]
    again = browser.get(address, headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    assert kept(again) == "private, no-store"


def test_pages_of_staff_are_kept_nowhere(finished_run, staff):
    browser = Browser(staff)
    for model in ("image", "run", "worker", "periodictask", "user"):
        assert is_private(kept(browser.get(f"/admin/segmentation/{model}/"))), model
    assert is_private(kept(browser.get(f"/admin/segmentation/run/{finished_run.pk}/change/")))


def test_pages_before_signing_in_are_kept_nowhere_for_they_hold_tokens(db):
    browser = Browser()
    for page in ("/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/history/", "/"):
        assert is_private(kept(browser.get(page))), page


def test_pictures_are_asked_for_again_at_each_use(browser, finished_run):
    run, image = f"/runs/{finished_run.pk}", f"/images/{finished_run.image_id}"
    for address in (
        *(f"{run}/{name}" for name in ("components.png", "labels.png", "segmented.png", "binary.png", "thumbnail")),
        *(f"{image}/{name}" for name in ("original", "display", "thumbnail")),
    ):
        first = browser.get(address)
        assert kept(first) == "private, no-cache", address
        again = browser.get(address, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, kept(again)) == (304, "private, no-cache"), address
        assert content_of(again) == b""


def test_the_built_in_pictures_are_kept_by_the_browser_only(browser):
    assert kept(browser.get("/samples/china/")) == "private, max-age=86400"


def test_a_picture_that_was_deleted_does_not_come_back_from_a_cache(browser, owner):
    image = factories.make_image(owner)
    address = f"/images/{image.pk}/display"
    first = browser.get(address)
    first.close()
    assert browser.send("DELETE", f"/api/v1/images/{image.pk}").status_code == 204
    assert browser.get(address, headers={"If-None-Match": first.headers["ETag"]}).status_code == 404
