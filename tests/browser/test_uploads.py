"""Uploads of pictures that are dropped or pasted anywhere, several at once, and leaving the page during an upload."""

import base64
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from segmentation.models import Image, Run
from tests.browser.test_late_answers import arrived, hold, settled
from tests.factories import encoded, pixels

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

GIVE = """({kind, files, target}) => {
  const data = new DataTransfer();
  for (const [name, text] of files) {
    data.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name, {type: "image/png"}));
  }
  const options = {bubbles: true, cancelable: true};
  const event = kind === "paste"
    ? new ClipboardEvent("paste", {...options, clipboardData: data})
    : new DragEvent(kind, {...options, dataTransfer: data});
  document.querySelector(target).dispatchEvent(event);
  return event.defaultPrevented;
}"""


def give(page, kind, *files, target="body"):
    """Drop or paste files, and return whether the page handled them, so that the browser does not open them."""
    encoded_files = [[name, base64.b64encode(data).decode()] for name, data in files]
    return page.evaluate(GIVE, {"kind": kind, "files": encoded_files, "target": target})


def picture(seed):
    return encoded(pixels(seed=seed))


@pytest.mark.parametrize("address", ["/history/", "/account/", "/help/", "/accounts/email/", "/nothing/here/", "a run"])
@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_picture_is_taken_up_anywhere_on_the_site(open_own_window, finished_run, address, kind):
    page = open_own_window(refused="404")
    page.goto(finished_run.get_absolute_url() if address == "a run" else address)
    before = page.url
    if kind == "drop":
        assert give(page, "dragover", ("new.png", picture(1)))
        expect(page.locator("html")).to_have_class(re.compile("is-over"))
    assert give(page, kind, ("new.png", picture(1)))
    page.wait_for_url(lambda address: "/runs/" in address and address != before)
    newest = Run.objects.order_by("-job__created").first()
    assert (newest.image.name, newest.image.owner) == ("new.png", finished_run.image.owner)
    assert str(newest.pk) in page.url


def test_a_file_for_a_field_of_a_form_is_left_to_it(open_own_window, image):
    page = open_own_window()
    page.goto(image.get_absolute_url())
    assert not give(page, "drop", ("mask.png", picture(1)), target="input[name=mask_file]")
    settled(page)
    assert Image.objects.count() == 1


def test_somebody_who_is_not_signed_in_is_told_to_do_that_first(open_window):
    page = open_window()
    page.goto("/help/")
    assert give(page, "drop", ("new.png", picture(1)))
    expect(page.locator(".toast")).to_contain_text("Sign in first")
    assert page.url.endswith("/help/")


def test_several_files_go_one_after_the_other_each_with_its_result_or_refusal(open_own_window):
    page = open_own_window()
    page.goto("/")
    page.locator("#clusters").fill("4")
    held = hold(page, "**/api/v1/images")
    files = [("one.png", picture(1)), ("notes.png", b"not a picture"), ("two.png", picture(2))]
    page.locator("input[name=image]").set_input_files(
        [{"name": name, "mimeType": "image/png", "buffer": data} for name, data in files]
    )
    entries = page.locator(".uploads li")
    expect(entries).to_have_count(3)
    expect(entries.nth(2)).to_contain_text("Waiting")
    for n in (1, 2, 3):
        arrived(page, held, n)
        settled(page)
        assert len(held) == n  # one at a time
        expect(entries.nth(n - 1).locator("progress")).to_be_visible()
        held[n - 1].continue_()
    expect(entries.nth(2).get_by_role("link", name="Open")).to_be_visible()
    expect(entries.nth(1).get_by_role("alert")).to_contain_text("notes.png was not uploaded")
    expect(entries.nth(1).get_by_role("alert")).to_contain_text("Nothing was stored.")
    assert page.url.endswith("/")
    expect(page).to_have_title(re.compile("^New"))
    runs = Run.objects.order_by("job__created")
    assert [(run.image.name, run.n_clusters) for run in runs] == [("one.png", 4), ("two.png", 4)]
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag22aa"]}})
    assert found.violations_count == 0, found.generate_report()
    page.get_by_role("button", name="Close the list").click()
    expect(page.locator(".uploads")).to_be_hidden()


def test_one_of_several_can_be_stopped(open_own_window):
    page = open_own_window()
    page.goto("/history/")
    held = hold(page, "**/api/v1/images")
    give(page, "drop", ("one.png", picture(1)), ("two.png", picture(2)), ("three.png", picture(3)))
    entries = page.locator(".uploads li")
    arrived(page, held, 1)
    entries.nth(1).get_by_role("button", name="Cancel").click()
    expect(entries.nth(1)).to_contain_text("was cancelled")
    entries.nth(0).get_by_role("button", name="Cancel").click()
    arrived(page, held, 2)
    held[1].continue_()
    expect(entries.nth(2).get_by_role("link", name="Open")).to_be_visible()
    assert [image.name for image in Image.objects.all()] == ["three.png"]


def test_leaving_the_page_during_an_upload_asks_and_not_afterwards(open_own_window):
    page = open_own_window()
    page.goto("/history/")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    held = hold(page, "**/api/v1/images")
    page.locator("h1, h2").first.click()  # a browser asks only for somebody who has done something
    give(page, "drop", ("one.png", picture(1)), ("two.png", b"not a picture"))
    arrived(page, held, 1)
    page.evaluate("location.assign('/help/')")
    arrived(page, asked, 1)
    assert asked == ["beforeunload"]
    assert page.url.endswith("/history/")
    held[0].continue_()
    arrived(page, held, 2)
    held[1].continue_()
    expect(page.get_by_role("alert")).to_contain_text("two.png was not uploaded")
    page.get_by_role("link", name="Help").first.click()
    page.wait_for_url("**/help/")
    assert asked == ["beforeunload"]
