"""Lists of runs that are open in a window while their runs wait, work and end elsewhere."""

import re

import pytest
from playwright.sync_api import expect

from segmentation import execution, services
from tests.factories import make_run

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

AWAY = "Object.defineProperty(document, 'hidden', {get: () => sessionStorage.getItem('away') === 'yes'})"


def put_away(page, *, away):
    """Do as if somebody had gone to another tab, which a browser without a screen cannot do."""
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
        expect(page.locator("[data-renew=filters]")).to_contain_text(re.compile(r"Finished\s*1\s"), use_inner_text=True)


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
