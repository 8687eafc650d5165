"""Automated checks of WCAG 2.2 AA in both themes on the main pages; and no page is wider than the window."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from segmentation.models import Job, Worker
from tests.admin.conftest import make_runs
from tests.factories import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}


def sign_in(page, user):
    page.goto("/accounts/login/")
    page.locator("input[name=login]").fill(user.username)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda address: "/accounts/" not in address)


# Of Django's style sheets, which import others, axe makes copies within the page: the policy forbids them, and complains.
ADMIN_RULES = RULES | {"preload": False}


def check(page, address, rules=RULES):
    page.goto(address)
    assert urlsplit(page.url).path == address
    found = Axe().run(page, options=rules)
    assert found.violations_count == 0, f"{address}\n{found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{address} is wider than its window"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_pages_for_everybody(open_window, size, theme):
    page = open_window(size, theme)
    for address in ("/", "/help/", "/accounts/login/", "/accounts/signup/", "/accounts/password/reset/"):
        check(page, address)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_pages_of_the_main_job(open_window, size, theme, owner, finished_run):
    page = open_window(size, theme)
    sign_in(page, owner)
    run, image = finished_run.get_absolute_url(), finished_run.image.get_absolute_url()
    for address in (
        "/",
        "/history/",
        "/account/",
        "/account/delete/",
        "/help/",
        run,
        image,
        f"{run}delete/",
        f"{image}delete/",
    ):
        check(page, address)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_pages_of_those_who_run_the_site(open_window, size, theme, staff, finished_run):
    page = open_window(size, theme)
    sign_in(page, staff)
    leaving = Worker.objects.create(host="leaves", release="test", slots=1, leaving=timezone.now())
    last = make_runs(finished_run.image, state="running")[0]
    Job.objects.filter(pk=last.pk).update(worker=leaving, lease_until=timezone.now() + timedelta(minutes=1))
    make_runs(finished_run.image, state="failed")
    admin = "/admin/segmentation"
    run = f"{admin}/run/{finished_run.pk}/change/"
    for address in ("/admin/", f"{admin}/worker/queue/", f"{admin}/run/", run, f"{admin}/image/", f"{admin}/worker/"):
        check(page, address, ADMIN_RULES)


def test_a_picture_that_is_opened_by_itself_is_shown_without_a_complaint(open_window, owner, finished_run):
    page = open_window()
    sign_in(page, owner)
    for name in ("segmented.png", "binary.png", "uncertainty.png?palette=heat"):
        page.goto(f"{finished_run.get_absolute_url()}{name}")
        assert page.evaluate("document.images[0].naturalWidth") == finished_run.image.width


def test_the_keyboard_reaches_and_works_everything_on_a_run(open_window, owner, finished_run):
    page = open_window()
    sign_in(page, owner)
    page.goto(finished_run.get_absolute_url())
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    box = page.locator("[data-legend] tbody").get_by_role("checkbox").first
    box.focus()
    before = box.is_checked()
    with page.expect_response(lambda response: response.request.method == "PATCH") as saved:
        page.keyboard.press("Space")
    assert saved.value.ok
    expect(box).to_be_checked(checked=not before)
