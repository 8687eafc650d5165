"""Open lists of runs show how runs wait, run and end."""

import re

import pytest
from playwright.sync_api import expect

from segmentation import execution, services
from tests.browser.test_late_answers import hold, settled
from tests.factories import make_run
from tests.processes import eventually

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AWAY = "Object.defineProperty(document, 'hidden', {get: () => sessionStorage.getItem('away') === 'yes'})"


def put_away(page, *, away):
    """Simulate a switch to another tab, which a headless browser does not support."""
    page.evaluate(
        "away => { sessionStorage.setItem('away', away); document.dispatchEvent(new Event('visibilitychange')); }",
        "yes" if away else "no",
    )


@pytest.mark.parametrize("address", ["history", "image", "start"])
def test_a_run_that_ends_elsewhere_shows_its_result_where_it_is_listed(open_own_window, image, address):
    run, other = make_run(image), make_run(image, n_clusters=2)
    page = open_own_window()
    page.goto({"history": "/history/", "image": image.get_absolute_url(), "start": "/"}[address])
    title = {"history": "History", "image": "phantom.png", "start": "New"}[address]
    expect(page).to_have_title(f"Running: 2 · {title} · GMM Studio")
    cards = page.locator("[data-card]")
    expect(cards).to_have_count(2)
    card = page.locator(f"[data-card='{run.pk}']")
    expect(card).to_contain_text("Waiting")
    services.cancel_run(run=other)
    expect(page.locator(f"[data-card='{other.pk}']")).to_contain_text("Cancelled")
    expect(page).to_have_title(f"Running: 1 · {title} · GMM Studio")
    execution.serve_until_empty()
    expect(card.locator("[data-original]")).to_be_visible()
    expect(card).to_have_attribute("data-state", "succeeded")
    expect(page.get_by_role("status").filter(has_text="phantom.png is finished.")).to_be_attached()
    expect(page).to_have_title(f"{title} · GMM Studio")
    card.hover()
    expect(card.locator("img.original")).to_be_attached()  # the scripts of the page know the new card
    if address == "history":
        expect(page.locator("[data-refresh=filters]")).to_contain_text(
            re.compile(r"Finished\s*1\s"), use_inner_text=True
        )


def test_the_title_of_the_tab_says_what_ended_until_somebody_looks(open_own_window, image):
    make_run(image)
    page = open_own_window()
    page.add_init_script(AWAY)
    page.goto("/history/")
    put_away(page, away=True)
    execution.serve_until_empty()
    expect(page).to_have_title("phantom.png is finished. · History · GMM Studio")
    put_away(page, away=False)
    expect(page).to_have_title("History · GMM Studio")


def test_a_run_that_began_elsewhere_appears_when_somebody_comes_back(open_own_window, finished_run):
    page = open_own_window()
    page.add_init_script(AWAY)
    page.goto("/history/")
    expect(page.locator("[data-card]")).to_have_count(1)
    put_away(page, away=True)
    make_run(finished_run.image, n_clusters=2)
    put_away(page, away=False)
    expect(page.locator("[data-card]")).to_have_count(2)
    expect(page).to_have_title(re.compile("^Running: 1"))


def test_a_card_whose_menu_is_open_stays_as_it_is(open_own_window, image):
    run = make_run(image)
    page = open_own_window()
    page.goto("/history/")
    card = page.locator(f"[data-card='{run.pk}']")
    card.locator("summary").click()
    execution.serve_until_empty()
    with page.expect_response("**/history/"):
        pass
    with page.expect_response("**/history/"):
        pass
    expect(card.locator("details[open]")).to_be_visible()
    page.locator("h1").click()
    expect(card).to_have_attribute("data-state", "succeeded")


def test_the_queue_of_the_administration_goes_on_by_itself(open_own_window, owner, image):
    owner.is_staff = owner.is_superuser = True
    owner.save()
    page = open_own_window(refused="ERR_FAILED")
    page.clock.install(time=0)
    page.goto("/admin/segmentation/worker/queue/")
    page.clock.pause_at(60_000)
    numbers = page.locator("[data-refresh=numbers]")
    before = numbers.inner_text()
    make_run(image)
    held = hold(page, "**/queue/")
    eventually(lambda: page.clock.run_for(100) or held)
    page.clock.run_for(60_000)
    settled(page)
    assert len(held) == 1  # one question at a time
    held[0].continue_()
    expect(numbers).not_to_have_text(before, use_inner_text=True)
    page.unroute("**/queue/")
    page.route("**/queue/", lambda route: route.abort())
    eventually(lambda: page.clock.run_for(100) or "does not respond" in page.locator("[data-update-note]").inner_text())
