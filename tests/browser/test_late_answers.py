"""Responses that arrive in another order than their requests, and buttons that are pressed twice."""

import re

import pytest
from playwright.sync_api import expect

from segmentation.models import Image, Run
from tests.factories import make_run
from tests.processes import eventually

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def hold(page, pattern):
    """Hold requests to an address, and return the list of held requests, which can be continued in any order."""
    held = []
    page.route(pattern, lambda route: held.append(route))  # noqa: PLW0108 - Playwright looks at the function
    return held


def arrived(page, held, count):
    """Wait until a number of requests are held."""
    eventually(
        lambda: page.evaluate("1") and len(held) >= count
    )  # whatever is asked lets Playwright deliver what has come


def settled(page):
    """Wait until all requests that the page has started were recorded, by sending one more."""
    assert page.evaluate("fetch('/healthz').then((answer) => answer.ok)")


def test_a_late_answer_for_a_pixel_does_not_replace_a_newer_one(open_own_window, finished_run):
    page = open_own_window()
    page.goto(finished_run.get_absolute_url())
    page.locator("[data-zoom=original]").first.click()
    expect(page.locator("[data-stage-for-zoom]")).not_to_have_attribute("aria-busy", "true")
    held, line = hold(page, "**/at?*"), page.locator("[data-pixel-report]")
    choose = (
        """pixel => document.querySelector("dialog[open]").dispatchEvent(new CustomEvent("pixel", {detail: pixel}))"""
    )
    page.evaluate(choose, {"x": 3, "y": 4})
    page.evaluate(choose, {"x": 30, "y": 20})
    arrived(page, held, 2)
    by_address = {re.search(r"x=(\d+)", route.request.url)[1]: route for route in held}
    by_address["30"].continue_()
    expect(line).to_contain_text("x 30, y 20")
    with page.expect_response("**/at?x=3&y=4") as late:
        by_address["3"].continue_()
    late.value.finished()
    page.evaluate("new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))")
    expect(line).to_contain_text("x 30, y 20")
    expect(line).not_to_contain_text("x 3, y 4")
    expect(line).not_to_have_attribute("aria-busy", "true")


def test_the_viewer_opened_again_while_it_loads_opens_once(open_own_window, finished_run):
    page = open_own_window()
    page.goto(finished_run.get_absolute_url())
    held = hold(page, "**/openseadragon.min.js")
    page.locator("[data-zoom=original]").first.click()
    arrived(page, held, 1)
    page.keyboard.press("Escape")
    page.locator("[data-zoom=segmented]").first.click()
    held[0].continue_()
    expect(page.locator("[data-picture=segmented]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-stage-for-zoom]")).not_to_have_attribute("aria-busy", "true")
    assert page.locator(".openseadragon-canvas").count() == 1


def test_a_late_picture_of_the_example_does_not_replace_a_newer_one(open_window):
    page = open_window()
    page.goto("/")
    held = hold(page, re.compile(r"china-k[2-8].*\.webp"))
    page.reload(wait_until="domcontentloaded")  # it is not loaded before its pictures are
    move = """n => {
      const range = document.querySelector("[data-demo-k]");
      range.value = n;
      range.dispatchEvent(new Event("input"));
    }"""
    page.evaluate(move, 3)
    page.evaluate(move, 7)
    arrived(page, held, 3)  # the first one stands in the page
    for n in (7, 3):
        late = next(route for route in held if f"china-k{n}" in route.request.url)
        late.continue_()
        page.evaluate(
            """async address => {
              await Object.assign(new Image(), {src: address}).decode();
              await new Promise((resolve) => setTimeout(resolve));
            }""",
            late.request.url,
        )
        expect(page.locator("[data-over]")).to_have_attribute("src", re.compile("china-k7"))
    expect(page.locator("[data-demo-out]")).to_have_text("7")


def test_the_last_theme_that_was_chosen_is_kept(open_own_window):
    page = open_own_window()
    page.goto("/help/")
    held = hold(page, "**/theme/")
    button = page.locator("form[data-theme-form] button").first
    for theme in ("light", "dark"):
        button.click()
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
    arrived(page, held, 1)
    settled(page)
    assert len(held) == 1  # the second waits until the first is answered
    held[0].continue_()
    arrived(page, held, 2)
    with page.expect_response("**/theme/"):
        held[1].continue_()
    page.unroute("**/theme/")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_pressing_cancel_twice_asks_once(open_own_window, owner, image):
    page = open_own_window()
    run = make_run(image)
    page.goto(run.get_absolute_url())
    held = hold(page, "**/cancel")
    page.get_by_role("button", name="Cancel").dblclick()
    arrived(page, held, 1)
    page.get_by_role("button", name="Cancel").click()
    settled(page)
    assert len(held) == 1
    held[0].continue_()
    expect(page.locator("main")).to_contain_text(re.compile("cancelled", re.IGNORECASE))
    assert Run.objects.get().job.state == "cancelled"


def test_a_question_opens_once_however_often_its_link_is_clicked(open_own_window, image):
    page = open_own_window()
    page.goto(image.get_absolute_url())
    held = hold(page, "**/delete/")
    page.get_by_role("link", name="Delete this picture").click()
    page.get_by_role("link", name="Delete this picture").click()
    arrived(page, held, 1)
    for route in held:
        route.continue_()
    expect(page.locator("dialog[open]")).to_have_count(1)
    settled(page)
    assert len(held) == 1
    page.unroute("**/delete/")
    page.get_by_role("button", name="Delete").last.dblclick()
    page.wait_for_url(lambda address: str(image.pk) not in address)
    assert not Image.objects.visible_to(image.owner).exists()


def test_a_form_is_sent_once_however_often_its_button_is_pressed(open_own_window, image):
    page = open_own_window()
    page.clock.install()
    page.goto(image.get_absolute_url())
    sent = []
    # An answer without content leaves the page as it is, as does one that has not come yet.
    page.route("**/run/", lambda route: (sent.append(route.request.method), route.fulfill(status=204)))
    button = page.get_by_role("button", name="Run at full size")
    button.click()
    arrived(page, sent, 1)
    button.click()
    button.evaluate("button => button.form.requestSubmit()")
    settled(page)
    assert sent == ["POST"]
    expect(button).to_have_attribute("aria-busy", "true")
    page.clock.run_for(10_000)  # somebody has stopped the loading, of which nobody tells
    expect(button).not_to_have_attribute("aria-busy", "true")
    page.unroute("**/run/")
    button.click()
    page.wait_for_url("**/runs/**")
    assert Run.objects.count() == 1


def test_a_run_is_asked_about_once_at_a_time(open_own_window, image):
    page = open_own_window()
    run = make_run(image)
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    held = hold(page, f"**/api/v1/runs/{run.pk}")
    page.goto(run.get_absolute_url())
    arrived(page, held, 1)
    page.clock.run_for(10_000)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    settled(page)
    assert len(held) == 1
    held[0].continue_()
    eventually(lambda: page.clock.run_for(10) or len(held) > 1)
    page.clock.run_for(10_000)
    settled(page)
    assert len(held) == 2
