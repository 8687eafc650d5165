"""Learning of somebody else's picture by conditions and ranges: an ETag that is known, a part of a file."""

import pytest

from tests import factories
from tests.clients import Browser, content_of, problem_of

pytestmark = pytest.mark.django_db(transaction=True)
CONDITIONS = [
    *({"If-None-Match": "*"}, {"If-Match": "*"}, {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}),
    *({"Range": "bytes=0-3"}, {"Range": "bytes=0-", "If-Range": "*"}),
]


def addresses(run):
    names = ("components.png", "labels.png", "segmented.png", "binary.png", "thumbnail")
    pictures = [f"/runs/{run.pk}/{name}" for name in names]
    return [*pictures, *(f"/images/{run.image_id}/{name}" for name in ("original", "display", "thumbnail"))]


def test_knowing_the_etag_of_a_picture_tells_nothing_of_it(finished_run, owner, stranger):
    mine, theirs = Browser(owner), Browser(stranger)
    for address in [*addresses(finished_run), f"/api/v1/runs/{finished_run.pk}"]:
        answer = mine.get(address)
        answer.close()
        etag = answer.headers["ETag"]
        for headers in ({"If-None-Match": etag}, {"If-Match": etag}, *CONDITIONS):
            refused = theirs.get(address, headers=headers)
            assert refused.status_code == 404, (address, headers)
            assert "ETag" not in refused.headers


def test_the_same_bytes_of_two_people_are_told_apart_by_nobody(image, owner, stranger):
    """Uploading what one suspects somebody else to have tells nothing."""
    answer = Browser(stranger).send_form(
        "/api/v1/images", {"image": factories.named(factories.encoded(factories.pixels()), "phantom.png")}
    )
    assert answer.status_code == 201
    assert answer.json()["id"] != str(image.pk)
    assert answer.json()["notices"] == Browser(owner).get(f"/api/v1/images/{image.pk}").json()["notices"]


def test_no_condition_fetches_what_was_deleted(finished_run, owner):
    browser = Browser(owner)
    first = browser.get(f"/images/{finished_run.image_id}/original")
    first.close()
    assert browser.send("DELETE", f"/api/v1/images/{finished_run.image_id}").status_code == 204
    for address in addresses(finished_run):
        for headers in ({"If-None-Match": first.headers["ETag"]}, *CONDITIONS):
            assert browser.get(address, headers=headers).status_code == 404


@pytest.mark.parametrize(
    "ranges", ["bytes=0-3", "bytes=-1", "bytes=9-1", "bytes=" + "0-1," * 2000, "lines=1", "bytes=a-b", "\x00"]
)
def test_ranges_send_no_more_and_nothing_else_than_the_file(image, owner, ranges):
    whole = factories.encoded(factories.pixels())
    answer = Browser(owner).get(f"/images/{image.pk}/original", headers={"Range": ranges})
    assert answer.status_code in {200, 206, 416}
    content = content_of(answer)
    assert content in whole or answer.status_code == 416
    assert len(content) <= len(whole)
    assert answer.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("etag", ['"', "W/", "*" * 9000, '"a", ' * 2000, "\x00", "\u00e9", 'W/"x'])
def test_nonsense_as_an_etag_is_as_good_as_none(queued_run, owner, etag):
    answer = Browser(owner).get(f"/api/v1/runs/{queued_run.pk}", headers={"If-None-Match": etag})
    assert answer.status_code in {200, 304} or problem_of(answer)["status"] == 400
