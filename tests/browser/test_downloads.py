"""The Download menu with mouse and keyboard, on a phone, and without JavaScript."""

import io
import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from segmentation import files

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def labels_of(run):
    with PIL.Image.open(io.BytesIO(files.read(run.result.files["components.png"]["key"]))) as picture:
        return np.asarray(picture)


def saved(page, link):
    """Click a link, and return the name and the bytes of the file that the browser saves."""
    with page.expect_download() as download:
        link.click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


@pytest.mark.parametrize(("size", "scripts"), [("desktop", True), ("phone", True), ("desktop", False)])
def test_labels_document_and_masks_are_saved_under_the_name_of_the_picture(open_run, finished_run, size, scripts):
    page = open_run(size, scripts=scripts)
    menu = page.locator("details.downloads")
    menu.locator("summary").click()
    name, data = saved(page, menu.get_by_role("link", name="Label map"))
    assert name == "phantom-k3-labels.png"
    labels = labels_of(finished_run)
    with PIL.Image.open(io.BytesIO(data)) as picture:
        np.testing.assert_array_equal(np.asarray(picture), labels)
    name, data = saved(page, menu.get_by_role("link", name="Numbers and settings"))
    assert (name, json.loads(data)["input"]["name"]) == ("phantom-k3-run.json", "phantom.png")
    name, data = saved(page, menu.get_by_role("link", name="Mask of cluster 3"))
    assert name == "phantom-k3-mask-3.png"
    with PIL.Image.open(io.BytesIO(data)) as picture:
        np.testing.assert_array_equal(np.asarray(picture), (labels == 2) * 255)


@pytest.mark.parametrize(("size", "theme"), [("desktop", "light"), ("phone", "dark")])
def test_the_menu_stays_on_the_screen_and_the_keyboard_reaches_all_of_it(open_run, size, theme):
    page = open_run(size, theme)
    summary = page.locator("details.downloads > summary")
    summary.focus()
    page.keyboard.press("Enter")
    links = page.locator("details.downloads a")
    for number in range(links.count()):
        page.keyboard.press("Tab")
        expect(links.nth(number)).to_be_focused()
        expect(links.nth(number)).to_be_in_viewport()
    box = page.locator("details.downloads > .pop").bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # Of the menu only: what it covers of the page meanwhile cannot be clicked whole.
    found = Axe().run(
        page,
        context="details.downloads",
        options={"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag22aa"]}},
    )
    assert found.violations_count == 0, found.generate_report()
    page.keyboard.press("Escape")
    expect(links.first).to_be_hidden()
    expect(summary).to_be_focused()
