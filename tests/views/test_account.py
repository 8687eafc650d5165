"""The account page and the archive of personal data, without JavaScript."""

import io
import zipfile

import pytest

from segmentation import execution, services
from segmentation.models import Job
from segmentation.models.jobs import State
from tests import factories
from tests.clients import Browser

pytestmark = pytest.mark.django_db(transaction=True)

PAGE, ARCHIVE, CANCEL = "/account/", "/account/archive", "/account/archive/cancel"


@pytest.fixture
def browser(owner):
    return Browser(owner)


def post(browser, address):
    return browser.post(address, {"csrfmiddlewaretoken": browser.cookies["csrftoken"].value}, follow=True)


def shown(browser):
    return browser.get(PAGE).content.decode()


def test_a_person_asks_for_it_follows_it_and_downloads_it(browser, owner, image):
    assert "Prepare" in shown(browser)
    assert browser.get(ARCHIVE).status_code == 404
    answer = post(browser, ARCHIVE)
    assert answer.redirect_chain == [(PAGE, 302)]
    assert 'data-archive="queued"' in answer.content.decode()
    Job.objects.update(state=State.RUNNING, lease=owner.images.get().pk, stage="packing", percent=40)
    assert "Pack pictures and results" in shown(browser)
    assert 'value="40"' in shown(browser)
    Job.objects.update(state=State.QUEUED, lease=None)
    execution.serve_until_empty()
    assert 'data-archive="succeeded"' in shown(browser)
    sent = browser.get(ARCHIVE)
    assert sent.headers["Content-Type"] == "application/zip"
    assert sent.headers["Content-Disposition"].startswith('attachment; filename="gmm-studio-owner-')
    assert "no-store" in sent.headers["Cache-Control"]
    with zipfile.ZipFile(io.BytesIO(b"".join(sent.streaming_content))) as archive:
        assert "account.json" in archive.namelist()


def test_it_can_be_cancelled_and_tried_again(browser):
    post(browser, ARCHIVE)
    assert "already" in post(browser, ARCHIVE).content.decode()
    assert "was cancelled" in post(browser, CANCEL).content.decode()
    assert "nothing to cancel" in post(browser, CANCEL).content.decode()
    assert 'data-archive="queued"' in post(browser, ARCHIVE).content.decode()


def test_one_that_failed_says_why_and_offers_to_try_again(browser, owner, worker_row):
    job = factories.make_archive(owner)
    lease = Job.objects.claim(job.pk, worker_id=worker_row.pk)
    Job.objects.fail(lease, code="storage_unavailable", detail="The storage does not answer.")
    page = shown(browser)
    assert "The storage does not answer." in page
    assert "Try again" in page
    assert 'data-archive="queued"' in post(browser, ARCHIVE).content.decode()


@pytest.mark.parametrize("who", ["stranger", "staff"])
def test_nobody_else_gets_it(owner, image, who, request):
    services.create_archive(owner=owner)
    execution.serve_until_empty()
    person = request.getfixturevalue(who)
    assert Browser(person).get(ARCHIVE).status_code == 404
    sent = Browser(owner).get(ARCHIVE)
    assert sent.status_code == 200
    sent.close()


def test_who_is_not_signed_in_gets_neither_page_nor_file():
    browser = Browser()
    for address in (ARCHIVE, "/account/delete/"):
        assert browser.get(address).headers["Location"].startswith("/accounts/login/")
