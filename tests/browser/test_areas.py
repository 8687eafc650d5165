"""A biologist measures a stained area of known size."""

import numpy as np
import pytest
from playwright.sync_api import expect

from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

TRUE_AREA = 0.10


def stained_discs():
    """Return a picture of discs of radius 6 with soft rims and noise on a bright ground, which cover a tenth of it."""
    rng = np.random.default_rng(3)
    rows, columns = np.mgrid[:512, :512]
    stained = np.zeros((512, 512), bool)
    while stained.mean() < TRUE_AREA:
        y, x = rng.integers(6, 506, 2)
        stained |= (rows - y) ** 2 + (columns - x) ** 2 <= 36
    part = stained.astype(float)
    blur = np.exp(-(np.arange(-4, 5) ** 2) / 2)
    for axis in (0, 1):
        part = np.apply_along_axis(lambda line: np.convolve(line, blur / blur.sum(), "same"), axis, part)
    colours = part[..., None] * (150, 90, 60) + (1 - part[..., None]) * (240, 235, 238)
    return np.clip(np.rint(colours + rng.normal(0, 7, colours.shape)), 0, 255).astype(np.uint8)


def percentage(text):
    return float(text.replace("%", "").strip())


@pytest.mark.parametrize(("size", "theme"), [("desktop", "light"), ("phone", "dark")])
def test_a_stained_area_is_found_with_its_range_and_the_foreground_follows(sign_in, owner, size, theme):
    image = factories.make_image(owner, factories.encoded(stained_discs()), name="section.png")
    page = sign_in(owner, size, theme)
    page.goto(image.get_absolute_url())
    page.get_by_role("radio", name="Areas").check(force=True)
    expect(page.get_by_text("pixels on borders are shared between both sides")).to_be_visible()
    page.get_by_role("spinbutton", name="Clusters").fill("2")
    page.get_by_role("button", name="Run at full size").click()
    rows = page.locator("[data-legend] tbody tr")
    expect(rows).to_have_count(2, timeout=30_000)
    stain = next(row for row in rows.all() if row.get_by_role("checkbox").is_checked())
    area = percentage(stain.locator(".area").inner_text())
    assert 9.5 <= area <= 10.5
    shown_range = stain.locator(".area-range").locator("visible=true").inner_text()
    low, high = map(percentage, shown_range.split("to"))
    assert low <= 100 * TRUE_AREA <= high
    assert high - low < 6

    total = page.locator("tfoot")
    expect(total.locator("[data-fg-coverage]")).to_have_text(stain.locator(".area").inner_text())
    total_range = total.locator("[data-fg-range]").locator("visible=true")
    expect(total_range).to_have_text(shown_range)
    other = next(row for row in rows.all() if not row.get_by_role("checkbox").is_checked())
    other.get_by_role("checkbox").check()
    expect(total.locator("[data-fg-coverage]")).to_have_text("100.0\N{NARROW NO-BREAK SPACE}%")
    expect(total_range).to_have_text("99.8 to 100.0\N{NARROW NO-BREAK SPACE}%")  # as the server has saved it
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_kind_of_picture_sets_the_form_and_a_change_by_hand_leaves_it(open_own_window, image):
    page = open_own_window()
    page.goto(image.get_absolute_url())
    kinds = page.get_by_role("navigation", name="Kind of picture")
    page.get_by_role("spinbutton", name="Clusters").fill("6")
    kinds.get_by_role("link", name="Stained tissue").click()
    expect(kinds.locator("[aria-current]")).to_have_text("Stained tissue")
    expect(page.get_by_role("radio", name="Areas")).to_be_checked()
    expect(page.get_by_role("spinbutton", name="Clusters")).to_have_value("6")
    page.get_by_text("More options").click()
    expect(page.get_by_label("Colour space")).to_have_value("od")
    shape = page.get_by_label("Shape of clusters")
    expect(shape.locator("option:checked")).to_have_text("Pixels on borders are shared (mixed)")
    page.get_by_role("radio", name="Colours").check(force=True)
    expect(shape.locator("option:checked")).to_have_text("Any ellipse (full)")
    expect(kinds.locator("[aria-current]")).to_have_count(0)
    shape.select_option("mixed")
    page.get_by_role("radio", name="Areas").check(force=True)
    expect(shape).to_have_value("full")
