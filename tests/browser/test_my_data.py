"""A person downloads the archive of their data and deletes the account."""

import zipfile

import pytest
from playwright.sync_api import expect

from segmentation.models import JobOutput, User
from tests.browser.test_accessibility import check, sign_in
from tests.factories import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_everything_is_downloaded_and_then_the_account_deleted(open_window, owner, finished_run):
    page = open_window()
    sign_in(page, owner)
    page.goto("/account/")
    page.get_by_role("button", name="Prepare").click()
    link = page.get_by_role("link", name="Download", exact=True)
    expect(link).to_be_visible()
    with page.expect_download() as download:
        link.click()
    assert download.value.suggested_filename.startswith("gmm-studio-owner-")
    with zipfile.ZipFile(download.value.path()) as archive:
        assert any(name.endswith("/run.json") for name in archive.namelist())
        assert archive.testzip() is None
    check(page, "/account/")
    page.get_by_role("link", name="Delete the account").click()
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Delete the account").click()
    expect(page.get_by_text("were deleted")).to_be_visible()
    assert not User.objects.filter(pk=owner.pk).exists()
    assert not JobOutput.objects.exists()


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_it_works_without_scripts(open_window, owner, finished_run, size):
    page = open_window(size, scripts=False)
    sign_in(page, owner)
    page.goto("/account/")
    page.get_by_role("button", name="Prepare").click()
    expect(page.get_by_role("link", name="Download", exact=True)).to_be_visible(timeout=30_000)
