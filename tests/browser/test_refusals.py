"""What pages show when the API returns an error, is busy, or does not respond."""

import json
import re

import pytest
from django.conf import settings
from django.test import override_settings
from playwright.sync_api import expect

from segmentation.models import Image, Run
from tests.browser.test_late_answers import arrived, settled
from tests.factories import encoded, make_run, pixels

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

REFUSED = "status of (400|401|403|404|429|5..)|4..|5..|ERR_FAILED"
BUSY = json.dumps({"status": 503, "code": "busy", "detail": "Too much is being done at once."})
ANSWERS = {
    "no answer": (None, "", ""),
    "not signed in": (401, json.dumps({"code": "not_authenticated", "detail": "Sign in first."}), "Sign in first."),
    "a page without the token": (403, "<!doctype html><h1>Forbidden</h1>", ""),
    "too large for the proxy": (413, "<html><h1>413 Request Entity Too Large</h1></html>", ""),
    "too often": (429, json.dumps({"code": "rate_limited", "detail": "Wait a minute."}), "Wait a minute."),
    "a broken server": (500, "<!doctype html><h1>Server Error (500)</h1>", ""),
    "a page of the network": (200, "<!doctype html><h1>Sign in to this network</h1>", ""),
}


def answer(route, status, text):
    if status is None:
        return route.abort()
    kind = "text/html" if text.startswith("<") else "application/problem+json"
    return route.fulfill(
        status=status, body=text, content_type=kind, headers={"Retry-After": "60"}
    )  # not worth waiting for


def choose(page, data, name="phantom.png"):
    file = {"name": name, "mimeType": "image/png", "buffer": data}
    page.locator("input[name=image]").set_input_files(file)


def test_an_upload_waits_for_a_place_and_is_sent_again(open_own_window):
    page = open_own_window(refused=REFUSED)
    asked = []

    def busy_once(route):
        asked.append(route.request.url)
        if len(asked) > 1:
            return route.continue_()
        return route.fulfill(
            status=503, body=BUSY, content_type="application/problem+json", headers={"Retry-After": "1"}
        )

    page.route("**/api/v1/images", busy_once)
    page.goto("/")
    choose(page, encoded(pixels()))
    page.wait_for_url("**/runs/**")
    assert len(asked) == 2


@override_settings(GMM_MAX_UPLOAD_BYTES=2000)
def test_a_file_above_the_limit_is_refused_before_it_is_sent(open_own_window):
    page = open_own_window()
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.goto("/")
    assert int(page.locator("[data-uploads]").get_attribute("data-max-bytes")) == settings.GMM_MAX_UPLOAD_BYTES
    choose(page, b"\0" * 2001)
    expect(page.get_by_role("alert")).to_contain_text("phantom.png was not uploaded")
    settled(page)
    assert sent == []
    choose(page, b"\0" * 2000, "small.png")
    expect(page.get_by_role("alert")).to_contain_text("small.png was not uploaded")
    assert [
        address for address in sent if address.endswith("/api/v1/images")
    ]  # it was the server that refused this one


@pytest.mark.parametrize("refusal", ANSWERS)
def test_an_upload_that_is_refused_says_so_and_can_be_tried_again(open_own_window, refusal):
    status, text, sentence = ANSWERS[refusal]
    page = open_own_window(refused=REFUSED)
    page.goto("/")
    page.route("**/api/v1/images", lambda route: answer(route, status, text))
    choose(page, encoded(pixels()))
    expect(page.get_by_role("alert")).to_contain_text("phantom.png was not uploaded")
    expect(page.get_by_role("alert")).to_contain_text(sentence or "The server did not respond.")
    expect(page.get_by_text("Drop a picture here")).to_be_visible()
    page.unroute("**/api/v1/images")
    choose(page, encoded(pixels()))
    page.wait_for_url("**/runs/**")
    assert (Image.objects.count(), Run.objects.count()) == (1, 1)


@pytest.mark.parametrize("refusal", ANSWERS)
def test_a_change_that_is_refused_is_taken_back(open_own_window, finished_run, refusal):
    status, text, sentence = ANSWERS[refusal]
    if status == 401:
        sentence = "You are no longer signed in."  # with a way to do that
    page = open_own_window(refused=REFUSED)
    page.goto(finished_run.get_absolute_url())
    page.route("**/legend", lambda route: answer(route, status, text))
    box = page.locator("[data-legend] tbody").get_by_role("checkbox").first
    before = box.is_checked()
    box.click()
    expect(page.locator(".toast")).to_contain_text(
        sentence or page.locator("[data-legend]").get_attribute("data-not-saved")
    )
    expect(box).to_be_checked(checked=before)
    page.unroute("**/legend")
    with page.expect_response(lambda response: response.request.method == "PATCH") as saved:
        box.click()
    assert saved.value.ok
    expect(box).to_be_checked(checked=not before)


@pytest.mark.parametrize(("status", "pause"), [(None, 4), (500, 4), (429, 9), (503, 9), (200, 4)])
def test_a_page_that_watches_a_run_waits_as_long_as_the_server_asks_and_goes_on(open_own_window, image, status, pause):
    page = open_own_window(refused=REFUSED)
    run = make_run(image)
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    asked = []

    def refuse(route):
        asked.append(route.request.url)
        if status is None:
            route.abort()
        else:
            headers = {"Retry-After": "9"} if status in {429, 503} else {}
            route.fulfill(status=status, body=BUSY if headers else "<h1>No</h1>", headers=headers)

    page.route(f"**/api/v1/runs/{run.pk}", refuse)
    page.goto(run.get_absolute_url())
    arrived(page, asked, 1)
    expect(page.locator("[data-connection-lost]")).to_be_visible()
    page.clock.run_for(pause * 1000 - 1)
    settled(page)
    assert len(asked) == 1
    page.unroute(f"**/api/v1/runs/{run.pk}")
    page.clock.run_for(1)
    expect(page.locator("[data-connection-lost]")).to_be_hidden()


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_page_whose_run_is_gone_is_loaded_again(open_own_window, image, status):
    page = open_own_window(refused=REFUSED)
    run = make_run(image)
    body = json.dumps({"code": "not_found", "detail": "There is nothing at this address."})
    page.route(f"**/api/v1/runs/{run.pk}", lambda route: route.fulfill(status=status, body=body), times=1)
    loaded = []
    page.on("load", lambda: loaded.append(page.url))
    page.goto(run.get_absolute_url())
    while len(loaded) < 2:
        page.wait_for_event("load")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Waiting"))
    settled(page)
    assert len(loaded) == 2
