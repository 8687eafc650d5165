"""Sessions that end and cookies that are deleted while a page is open."""

import re

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from segmentation.models import Image, Run
from tests.browser.test_uploads import give, picture
from tests.factories import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def sign_in(page, owner):
    page.locator("input[name=login]").fill(owner.username)
    page.locator("input[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_a_change_after_the_session_has_ended_offers_to_sign_in_and_leads_back(open_own_window, owner, finished_run):
    page = open_own_window(refused="401")
    address = f"{finished_run.get_absolute_url()}?palette=separated"
    page.goto(address)
    Session.objects.all().delete()
    page.locator("[data-legend] tbody").get_by_role("checkbox").first.click()
    toast = page.locator(".toast")
    expect(toast).to_contain_text("You are no longer signed in.")
    toast.get_by_role("link", name="Sign in").click()
    sign_in(page, owner)
    page.wait_for_url(f"**{address}")
    expect(page.locator("[data-legend]")).to_be_visible()


def test_an_upload_after_the_session_has_ended_says_so_and_leads_back(open_own_window, owner):
    page = open_own_window(refused="401")
    page.goto("/help/")
    Session.objects.all().delete()
    give(page, "drop", ("new.png", picture(1)))
    expect(page.get_by_role("alert")).to_contain_text("new.png was not uploaded")
    page.locator(".toast").get_by_role("link", name="Sign in").click()
    sign_in(page, owner)
    page.wait_for_url("**/help/")
    give(page, "drop", ("new.png", picture(1)))
    page.wait_for_url("**/runs/**")
    assert Image.objects.get().owner == owner


def test_a_form_after_the_session_has_ended_leads_back_to_its_page(open_own_window, owner, image):
    page = open_own_window()
    page.goto(image.get_absolute_url())
    Session.objects.all().delete()
    page.get_by_role("button", name="Run at full size").click()
    page.wait_for_url("**/accounts/login/**")
    sign_in(page, owner)
    page.wait_for_url(f"**{image.get_absolute_url()}")
    page.get_by_role("button", name="Run at full size").click()
    page.wait_for_url("**/runs/**")
    assert Run.objects.count() == 1


def test_a_change_without_the_cookie_is_not_sent_and_says_what_to_do(open_own_window, finished_run):
    page = open_own_window()
    page.goto(finished_run.get_absolute_url())
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "PATCH" else None)
    page.context.clear_cookies(name=settings.CSRF_COOKIE_NAME)
    box = page.locator("[data-legend] tbody").get_by_role("checkbox").first
    before = box.is_checked()
    box.click()
    expect(page.locator(".toast")).to_contain_text("Reload the page")
    expect(box).to_be_checked(checked=before)
    assert sent == []
    page.reload()
    with page.expect_response(lambda response: response.request.method == "PATCH") as saved:
        box.click()
    assert saved.value.ok


def test_a_form_without_the_cookie_answers_with_a_page_that_says_what_to_do(open_own_window, image):
    page = open_own_window(refused="403")
    page.goto(image.get_absolute_url())
    page.context.clear_cookies(name=settings.CSRF_COOKIE_NAME)
    page.get_by_role("button", name="Run at full size").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This form was not accepted")
    expect(page.locator("main")).to_contain_text(re.compile("reload the page", re.IGNORECASE))
    expect(page.locator("main")).to_contain_text("Nothing was changed.")
    assert Run.objects.count() == 0
