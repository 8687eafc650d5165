"""The whole application in Chromium: a live server, a real worker, a real browser."""

import contextlib
import os
import re
import shutil

import pytest
from django.conf import settings
from playwright.sync_api import expect, sync_playwright

from tests.factories import PASSWORD

os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright's sync API runs an event loop in this thread

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome") or ""
ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
PATIENCE = 15_000  # milliseconds
expect.set_options(timeout=PATIENCE)
SIZES = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1440, "height": 900}}


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def site(live_server, worker, transactional_db, media):
    """Return the address of a running site with a worker."""
    return live_server.url


@pytest.fixture
def open_window(chromium, site):
    """Return a function that opens windows of any size and theme; at the end no window may have had an error."""
    with _windows(chromium, site) as window:
        yield window


@pytest.fixture
def open_own_window(chromium, live_server, client, owner, media):
    """Return a function that opens windows in which the owner is signed in, on a site without a worker, so that runs wait."""
    client.force_login(owner)
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": client.cookies[settings.SESSION_COOKIE_NAME].value}
    with _windows(chromium, live_server.url, {**cookie, "url": live_server.url}) as window:
        yield window


@contextlib.contextmanager
def _windows(chromium, site, *cookies):
    windows, complaints = [], []

    def window(size="desktop", theme="light", *, scripts=True, refused=""):
        """Open a window; `refused` is a pattern of the errors that the console may report."""
        context = chromium.new_context(
            base_url=site,
            viewport=SIZES[size],
            color_scheme=theme,
            java_script_enabled=scripts,
            has_touch=size == "phone",
            accept_downloads=True,
        )
        context.add_cookies(cookies)
        windows.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if _unexpected(message, refused) else None)
        page.on("response", lambda answer: complaints.append(answer.url) if _is_fault(answer, refused) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: complaints.append(request.url) if _foreign(request.url, site) else None)
        page.set_default_timeout(PATIENCE)
        return page

    yield window
    for context in windows:
        context.close()
    assert complaints == []


@pytest.fixture
def open_run(sign_in, owner, finished_run):
    """Return a function that opens the page of a finished run as its owner."""

    def page_of(*args, **options):
        page = sign_in(owner, *args, **options)
        page.goto(finished_run.get_absolute_url())
        return page

    return page_of


def _unexpected(message, refused):
    """Return whether a console message is an error; expected error responses, such as conflicts, do not count."""
    expected = re.search("status of (403|404|409|413|415|422)", message.text) or (
        refused and re.search(refused, message.text)
    )
    return message.type == "error" and not expected


def _is_fault(answer, refused):
    return answer.status >= 500 and not (refused and re.search(refused, str(answer.status)))


@pytest.fixture
def sign_in(open_window):
    """Open a window in which a person is signed in; other arguments are those of `open_window`."""

    def window_of(person, *args, **options):
        page = open_window(*args, **options)
        page.goto("/accounts/login/")
        page.locator("input[name=login]").fill(person.username)
        page.locator("input[name=password]").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda address: "/accounts/" not in address)
        return page

    return window_of


def _foreign(address, site):
    return not address.startswith((site, "blob:", "data:"))
