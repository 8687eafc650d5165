"""Messages in unexpected situations: a number out of range, a deleted run, somebody else's run."""

import pytest
from playwright.sync_api import expect

from segmentation import services
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_number_out_of_range_is_put_right_with_a_word(sign_in, owner, image):
    page = sign_in(owner)
    for address in ("/", image.get_absolute_url()):
        page.goto(address)
        field = page.locator("#clusters")
        field.fill("99")
        field.press("Tab")
        expect(field).to_have_value("32")
        said = "99 is not possible. The number must be a whole number from 2 to 32; it was set to 32."
        expect(page.get_by_role("status").filter(has_text=said)).to_be_visible()


def test_a_page_that_is_open_on_a_run_that_was_deleted_says_so(sign_in, owner, finished_run):
    page = sign_in(owner)
    page.goto(finished_run.get_absolute_url())
    services.delete_run(run=finished_run)
    page.locator("[data-legend] tbody").get_by_role("checkbox").first.click()
    expect(page.get_by_text("This picture or run was deleted, or it belongs to somebody else.")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="There is nothing at this address")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text("changed")


def test_staff_read_whose_run_they_see(sign_in, finished_run):
    page = sign_in(factories.make_staff("reviewer"))
    page.goto(finished_run.get_absolute_url())
    expect(page.get_by_text("This belongs to owner. You see it as staff.")).to_be_visible()
    expect(page.get_by_role("button", name="Run", exact=True)).to_have_count(0)
    page.get_by_role("link", name="Open it in the administration").click()
    page.wait_for_url(f"**/admin/segmentation/run/{finished_run.pk}/change/")


def test_an_ordinary_person_is_told_that_the_administration_is_for_staff(sign_in, owner):
    page = sign_in(owner)
    page.goto("/admin/")
    expect(page.get_by_role("heading", name="Only staff may open the administration")).to_be_visible()


def test_a_share_that_the_page_counts_anew_is_written_as_the_server_writes_it(sign_in, owner, finished_run):
    page = sign_in(owner)
    page.goto(finished_run.get_absolute_url())
    shown = page.locator("tfoot [data-fg-share]")
    before = shown.inner_text()
    box = page.locator("[data-legend] tbody").get_by_role("checkbox").first
    with page.expect_response("**/legend"):
        box.click()
    expect(shown).not_to_have_text(before)
    after = shown.inner_text()
    page.reload()
    expect(shown).to_have_text(after)
