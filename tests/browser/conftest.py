"""The whole application in Chromium: a live server, a real worker, a real browser."""

import os
import re
import shutil

import pytest
from playwright.sync_api import sync_playwright

from tests.factories import PASSWORD

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's sync API runs an event loop in this thread

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""
ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1440, "height": 900}}


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def site(live_server, worker, transactional_db, media):
    """The address of the running site, with a worker."""
    return live_server.url


@pytest.fixture
def open_window(chromium, site):
    """Open windows of any size and theme; afterwards nothing may have gone wrong in any of them."""
    windows, complaints = [], []

    def window(size="desktop", theme="light", *, scripts=True):
        context = chromium.new_context(
            base_url=site,
            viewport=SIZES[size],
            color_scheme=theme,
            java_script_enabled=scripts,
            has_touch=size == "phone",
            accept_downloads=True,
        )
        windows.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if _unexpected(message) else None)
        page.on("response", lambda answer: complaints.append(answer.url) if answer.status >= 500 else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url) if _foreign(request.url, site) else None)
        page.set_default_timeout(15_000)
        return page

    yield window
    for context in windows:
        context.close()
    assert complaints == []


@pytest.fixture
def sign_in(open_window):
    """Open a window in which somebody is signed in; other arguments as of `open_window`."""

    def window_of(person, *args, **options):
        page = open_window(*args, **options)
        page.goto("/accounts/login/")
        page.locator("input[name=login]").fill(person.username)
        page.locator("input[name=password]").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda address: "/accounts/" not in address)
        return page

    return window_of


def _unexpected(message):
    """Refusals and conflicts are answers, although the console calls them errors."""
    return message.type == "error" and not re.search("status of (403|404|409|413|415|422)", message.text)


def _foreign(address, site):
    return not address.startswith((site, "blob:", "data:"))
