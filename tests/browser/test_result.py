"""The page of a result: uncertainty, measurements, overlaps; merging and undo."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from segmentation import services
from segmentation.models import Run

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_merge_goes_after_the_foreground_that_is_on_its_way(open_run, finished_run):
    page = open_run()
    rows = page.locator("[data-legend] tbody tr")
    chosen = rows.nth(1).get_by_role("checkbox").is_checked()
    held = []
    page.route("**/legend", lambda route: held.append(route))  # noqa: PLW0108 - Playwright looks at the function
    rows.nth(1).get_by_role("checkbox").click()
    page.get_by_label("Merge", exact=True).select_option("3")
    page.get_by_label("into").select_option("1")
    page.get_by_role("button", name="Merge").click()
    expect(rows).to_have_count(3)
    held[0].continue_()
    expect(page.get_by_role("heading", name="2 clusters")).to_be_visible()
    expect(rows.nth(0)).to_contain_text("merged from 2")
    expect(rows.nth(1).get_by_role("checkbox")).to_be_checked(checked=not chosen)
    assert Run.objects.get().revision == 2
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="3 clusters")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(rows.nth(1).get_by_role("checkbox")).to_be_checked(checked=chosen)
    expect(page.get_by_role("button", name="Undo")).to_be_hidden()


def test_undo_appears_with_the_first_change(open_run):
    page = open_run()
    expect(page.get_by_role("button", name="Undo")).to_be_hidden()
    page.locator("[data-legend] tbody").get_by_role("checkbox").first.click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()


@pytest.mark.parametrize(("size", "theme"), [("desktop", "light"), ("phone", "dark")])
def test_measurements_and_maps_open_in_place(open_run, finished_run, size, theme):
    page = open_run(size, theme)
    page.locator(".measurements > summary").click()
    cells = page.locator("[data-regions]")
    expect(cells.first).to_have_text(re.compile(r"^\d+$"))
    assert cells.all_inner_texts() == [str(n) for n in services.connected_regions(run=finished_run)]
    page.locator(".maps > summary").click()
    for name in ("uncertainty", "novelty"):
        picture = page.locator(f"[data-zoom={name}] img")
        picture.scroll_into_view_if_needed()
        page.wait_for_function(
            "name => document.querySelector(`[data-zoom=${name}] img`).naturalWidth === 48", arg=name
        )
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag22aa"]}})
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_without_scripts_clusters_are_merged_and_regions_counted(open_run, finished_run):
    page = open_run(scripts=False)
    page.get_by_role("button", name="Merge").click()
    expect(page.get_by_role("heading", name="2 clusters")).to_be_visible()
    page.locator(".measurements > summary").click()
    page.get_by_role("link", name="Count the regions").click()
    finished_run.refresh_from_db()
    expected = [str(n) for n in services.connected_regions(run=finished_run)]
    assert page.locator("[data-regions]").all_inner_texts() == expected
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="3 clusters")).to_be_visible()


def test_the_maps_are_asked_for_one_after_the_other(open_run):
    page = open_run()
    events = []
    page.on("request", lambda request: events.append(("asked", request.url)))
    page.on("requestfinished", lambda request: events.append(("came", request.url)))
    page.locator(".maps > summary").click()
    page.wait_for_function("() => document.querySelector('[data-zoom=novelty] img').naturalWidth === 48")
    maps = [(what, name) for what, url in events for name in ("uncertainty", "novelty") if f"/{name}.png" in url]
    assert maps[:3] == [("asked", "uncertainty"), ("came", "uncertainty"), ("asked", "novelty")]


def test_without_scripts_a_map_is_made_when_somebody_follows_its_link(open_run):
    page = open_run(scripts=False)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload(wait_until="load")
    assert [url for url in asked if "segmented.png" in url]
    assert [url for url in asked if "uncertainty.png" in url or "novelty.png" in url] == []
    page.locator(".maps > summary").click()
    with page.expect_response("**/novelty.png*") as answer:
        page.get_by_role("link", name="Open the map of novelty at full size").first.click()
    assert answer.value.status == 200


def test_a_pixel_that_is_clicked_says_what_it_belongs_to(open_run, finished_run):
    page = open_run()
    page.locator("[data-zoom=original]").first.click()
    line = page.locator("[data-pixel-report]")
    expect(line).to_contain_text("Click a pixel")
    expect(page.locator("[data-stage-for-zoom]")).not_to_have_attribute("aria-busy", "true")
    page.locator(".openseadragon-canvas").click()
    expect(line).to_contain_text(re.compile(r"x 2[345], y 1[789]"))
    x, y = (int(n) for n in re.search(r"x (\d+), y (\d+)", line.inner_text()).groups())
    look = services.pixel_report(run=finished_run, x=x, y=y)
    expect(line).to_contain_text(f"Cluster {look.cluster + 1} {round(max(look.clusters) * 100)}")
    expect(line).to_contain_text(" ".join(str(n) for n in look.colour))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_bar_below_the_binary_picture_has_its_black_and_white_in_both_themes(open_run, theme):
    page = open_run(theme=theme)
    fills = page.locator("svg:has([data-fg-part]) rect").evaluate_all(
        "all => all.map((one) => getComputedStyle(one).fill)"
    )
    assert fills == ["rgb(0, 0, 0)", "rgb(255, 255, 255)"]
