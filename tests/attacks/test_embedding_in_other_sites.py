"""Framing, embedding or reading the site's pages and pictures from another site; using the visitor's devices through it."""

import re
from pathlib import Path

import pytest

from segmentation.http import HEADERS
from tests.clients import Browser

pytestmark = pytest.mark.django_db(transaction=True)
NGINX = Path(__file__).resolve().parents[2] / "gmmsite" / "deploy" / "nginx.conf"
WANTED = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def lacking(response):
    """The headers that an answer should have and has not, or not once."""
    response.close()
    found = {name: response.headers.get(name) for name in WANTED}
    policy = response.headers.get("Permissions-Policy", "")
    devices = [
        f"{device}=()" for device in ("camera", "microphone", "geolocation", "usb", "payment", "display-capture")
    ]
    return {name: found[name] for name, value in WANTED.items() if found[name] != value} | {
        device: policy for device in devices if device not in policy.split(", ")
    }


def test_every_answer_says_that_it_is_for_this_site_only(finished_run, owner, staff):
    run, image = f"/runs/{finished_run.pk}", f"/images/{finished_run.image_id}"
    own = ["/", "/history/", "/help/", f"{run}/", f"{image}/", f"{run}/segmented.png", f"{image}/original"]
    own += [f"{image}/display", f"/api/v1{run}", "/api/v1/openapi.json", "/api/v1/zz", "/nothing", f"{run}/thumbnail"]
    own += ["/static/nothing.css", "/healthz", "/too-large/", "/theme/", "/samples/china/"]
    browser = Browser(owner)
    assert {address: found for address in own if (found := lacking(browser.get(address)))} == {}
    anybody = ["/", "/accounts/login/", "/accounts/signup/", f"{run}/", f"/api/v1{run}", "/admin/", "/metrics"]
    assert {address: found for address in anybody if (found := lacking(Browser().get(address)))} == {}
    keepers = ["/admin/", "/admin/segmentation/run/", "/admin/nothing/", "/metrics", "/admin/jsi18n/"]
    assert {address: found for address in keepers if (found := lacking(Browser(staff).get(address)))} == {}


def test_refusals_and_faults_say_it_too(owner, monkeypatch):
    browser = Browser(owner)
    assert lacking(browser.get("/", headers={"Host": "gmm.evil.example"})) == {}
    assert lacking(browser.post("/theme/", {})) == {}  # without its token
    assert lacking(browser.generic("TRACE", "/")) == {}
    monkeypatch.setattr("segmentation.views.history.Query.from_request", lambda _request: 1 / 0)
    fault = browser.get("/history/")
    assert (fault.status_code, lacking(fault)) == (500, {})


@pytest.mark.parametrize("address", ["/", "/accounts/login/", "/admin/login/", "/nothing"])
def test_no_page_can_be_framed(address):
    policy = Browser().get(address, follow=True).headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in policy
    assert "'unsafe" not in policy


def test_static_files_say_it_too(db, settings):
    """They are answered by another middleware, before those of Django."""
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    browser = Browser()
    for name in ("logo.svg", "js/api.js", f"css/{next((NGINX.parents[2] / 'static' / 'css').glob('*.css')).name}"):
        response = browser.get(f"/static/{name}")
        assert (response.status_code, lacking(response)) == (200, {})


def test_beside_a_site_below_a_path_the_answer_says_it_too():
    from gmmsite.wsgi import below  # noqa: PLC0415 - makes the application, which looks for static files

    sent = {}
    application = below("/studio", None)
    application({"PATH_INFO": "/other"}, lambda status, headers: sent.update(status=status, headers=dict(headers)))
    assert sent["status"] == "404 Not Found"
    assert sent["headers"].items() >= HEADERS.items()


def test_originals_that_nginx_sends_say_it_too():
    place = re.search(r"location /_gmm_media/ \{(.*?)\n    \}", NGINX.read_text(), re.DOTALL)[1]
    added = dict(re.findall(r'add_header (\S+) "?(.*?)"? always;', place))
    assert added.items() >= HEADERS.items()
    assert added["Content-Security-Policy"] == "default-src 'none'; sandbox"
