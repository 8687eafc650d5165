"""The shipped deployment, started for real and used in a browser; once on a host of its own and once below a path."""

import hashlib
import json
import re
from urllib.parse import urljoin, urlsplit

import numpy as np
import PIL.Image
import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.factories import PASSWORD
from tests.processes import eventually
from tests.soak.conftest import TOKEN

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def window(chromium, deployment):
    """Open windows; nothing in them may fail, and nothing may leave the site's path."""
    opened, complaints = [], []

    def open_window(*, scripts=True):
        context = chromium.new_context(ignore_https_errors=True, java_script_enabled=scripts, accept_downloads=True)
        opened.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: complaints.append(asked.url) if not is_ours(deployment, asked.url) else None)
        page.on("response", lambda answer: complaints.append(answer.url) if answer.status >= 500 else None)
        page.set_default_timeout(60_000)
        return page

    yield open_window
    for context in opened:
        context.close()
    assert complaints == []


def is_ours(deployment, address):
    return address.startswith((f"{deployment.url}/", "blob:", "data:")) or address == deployment.url


def sign_up(page, deployment, name):
    page.goto(f"{deployment.url}/accounts/signup/")
    page.fill("[name=username]", name)
    page.fill("[name=password1]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{deployment.url}/")


def picture(folder, width, height, name):
    """An uncompressed TIFF of three colours and some noise: three bytes a pixel."""
    rows, columns = np.mgrid[:height, :width]
    pixels = np.full((height, width, 3), (120, 125, 130), np.uint8)
    pixels[(rows - height / 2) ** 2 + (columns - width / 3) ** 2 < (height / 5) ** 2] = (90, 30, 45)
    pixels[:, int(width * 0.7) : int(width * 0.8)] = (235, 220, 150)
    pixels += np.random.default_rng(0).integers(0, 12, (height, width, 1), np.uint8)
    PIL.Image.fromarray(pixels).save(folder / name, "TIFF")
    return folder / name


def links_of(page):
    """Everything that a page refers to by address, as it stands there."""
    return page.evaluate(
        """() => [...document.querySelectorAll("[href], [src], [action], [formaction]")].flatMap((part) =>
             ["href", "src", "action", "formaction"].map((name) => part.getAttribute(name))).filter(Boolean)"""
    )


def test_a_picture_near_the_limit_goes_all_the_way(deployment, window, tmp_path):
    file = picture(tmp_path, 4070, 4070, "slide.tif")
    data = file.read_bytes()
    assert 49_000_000 < len(data) <= 50_000_000
    page = window()
    sign_up(page, deployment, "mira")
    page.set_input_files("input[name=image]", file)
    page.wait_for_url(re.compile(rf"{deployment.url}/runs/[0-9a-f-]+/"), timeout=120_000)
    expect(page.get_by_role("row", name=re.compile("^Foreground"))).to_be_visible(timeout=120_000)
    run = json.loads(page.request.get(f"{deployment.url}/api/v1/runs/{page.url.split('/runs/')[1].strip('/')}").text())
    assert run["state"] == "succeeded"

    original = f"{deployment.url}/images/{run['image']}/original"
    sent = page.request.get(original)
    assert hashlib.sha256(sent.body()).hexdigest() == hashlib.sha256(data).hexdigest()
    assert "X-Accel-Redirect" not in sent.headers, "nginx has taken the hint"
    assert sent.headers["accept-ranges"] == "bytes", "nginx is the one who sends"
    assert sent.headers["content-disposition"] == 'attachment; filename="slide.tif"'
    assert sent.headers["content-security-policy"] == "default-src 'none'; sandbox"  # nginx's own

    stranger = window()
    sign_up(stranger, deployment, "noor")
    for address in (original, f"{deployment.url}/runs/{run['id']}/", f"{deployment.url}/api/v1/runs/{run['id']}"):
        assert stranger.request.get(address).status == 404
    assert deployment.get(f"/_gmm_media/images/{run['image']}/original")[0] == 404
    assert stranger.request.get(urljoin(deployment.url, f"/_gmm_media/images/{run['image']}/original")).status == 404


def test_what_is_too_large_is_answered_in_our_words(deployment, window, tmp_path):
    file = tmp_path / "huge.tif"
    file.write_bytes(b"II*\0" + bytes(60_000_000))
    page = window(scripts=False)
    sign_up(page, deployment, "odd")
    page.set_input_files("input[name=image]", file)
    page.click("form[data-upload] button[type=submit]:not([formaction])")
    expect(page.locator("h1")).to_have_text("This file was not uploaded")
    expect(page.locator("main")).to_contain_text("larger than 50\N{NARROW NO-BREAK SPACE}MB")


def test_every_page_and_link_stays_below_the_site(deployment, window, tmp_path):
    """Go through the pages a person sees; whatever they refer to must be ours, and be there."""
    page = window()
    sign_up(page, deployment, "pia")
    page.set_input_files("input[name=image]", picture(tmp_path, 300, 200, "small.tif"))
    page.wait_for_url(re.compile(rf"{deployment.url}/runs/[0-9a-f-]+/"))
    run = page.url
    eventually(
        lambda: page.request.get(run.replace("/runs/", "/api/v1/runs/").rstrip("/")).json()["state"] == "succeeded"
    )
    asked, wrong = set(), []
    for place in (
        "/",
        run.removeprefix(deployment.url),
        "/history/",
        "/account/",
        "/help/",
        "/accounts/password/change/",
    ):
        page.goto(deployment.url + place)
        for link in links_of(page):
            address = urljoin(page.url, link).partition("#")[0]
            if urlsplit(address).scheme not in {"http", "https"} or "/logout/" in address or address in asked:
                continue
            asked.add(address)
            if not is_ours(deployment, address):
                if urlsplit(address).netloc == urlsplit(deployment.url).netloc:
                    wrong.append(f"{place} leads to {link}")
                continue  # a credit, elsewhere
            status = page.request.get(address).status
            if status >= 400 and status not in {404, 405}:
                wrong.append(f"{place} leads to {link}: {status}")
            if status == 404:
                wrong.append(f"{place} leads to {link}: 404")
    assert wrong == []
    assert len(asked) > 30
    api = page.request.get(run.replace("/runs/", "/api/v1/runs/").rstrip("/")).json()
    assert {link for link in api["links"].values() if not link.startswith(f"{deployment.path}/")} == set()
    described = json.loads(deployment.get("/api/v1/openapi.json")[2])
    assert all(path.startswith(f"{deployment.path}/api/v1/") for path in described["paths"])


def test_cookies_are_kept_to_the_site(deployment, window):
    page = window()
    sign_up(page, deployment, "quinn")
    prefix = "__Secure-" if deployment.path else "__Host-"
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
    for name in (f"{prefix}sessionid", f"{prefix}csrftoken"):
        assert cookies[name]["path"] == (deployment.path or "/")
        assert cookies[name]["secure"] is True


def test_staff_see_the_workers_at_the_queue(deployment, window):
    page = window()
    page.goto(f"{deployment.url}/admin/segmentation/worker/queue/")
    page.fill("[name=login]", "admin")
    page.fill("[name=password]", deployment.password)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{deployment.url}/admin/segmentation/worker/queue/")
    expect(page.locator("[data-update-note]")).to_have_text("updated every 2 s", timeout=20_000)
    expect(page.locator(".field-state").first).to_have_text(re.compile("Free|Working"))
    assert page.locator("#result_list tbody tr").count() >= 2


def test_plain_http_is_sent_to_https_and_the_health_says_which_part_fails(deployment):
    assert deployment.health() == (200, "ok")
    with deployment.without_database():
        assert eventually(lambda: deployment.health()[0] == 503, within=30, every=0.2)
    assert eventually(lambda: deployment.health() == (200, "ok"), within=60, every=0.5)
    assert deployment.manage("workerprobe").returncode == 0


def test_metrics_are_for_the_token(deployment):
    status, _headers, body = deployment.get("/metrics", Authorization=f"Bearer {TOKEN}")
    assert status == 200
    assert b"gmm_workers_alive 2.0" in body
    assert deployment.get("/metrics")[0] == 404


def test_logs_are_json_and_name_nobodys_files(deployment):
    status, headers, _body = deployment.get("/help/")
    assert status == 200
    eventually(lambda: headers["X-Request-ID"] in deployment.log("web"), within=10)  # written once the answer is sent
    lines = [json.loads(line) for line in deployment.log("web").splitlines() if "request_id" in line]
    access = [line for line in lines if line["logger"] == "gmmsite.requests"]
    assert {"method", "status", "milliseconds", "bytes"} <= access[-1].keys()
    for name in ("web", "worker-1", "worker-2"):
        assert not re.search(r"slide\.tif|small\.tif|huge\.tif", deployment.log(name)), name
    runs = [
        json.loads(line)
        for number in (1, 2)
        for line in deployment.log(f"worker-{number}").splitlines()
        if "run_id" in line
    ]
    assert {line["attempt"] for line in runs} == {1}
