"""Storing a page or script as a picture, and having a browser run it on the site's own origin."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from segmentation.models import Image
from tests import factories
from tests.clients import Browser, content_of, problem_of

pytestmark = pytest.mark.django_db(transaction=True)
SCRIPT = b"<script>alert(document.domain)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'


@pytest.fixture
def browser(owner):
    return Browser(owner)


def polyglot(name):
    """A whole picture with a page behind it."""
    data = factories.encoded(factories.pixels(), {"png": "PNG", "gif": "GIF", "bmp": "BMP", "jpg": "JPEG"}[name])
    return data + b"<!DOCTYPE html><html>" + SCRIPT + b"</html>"


@pytest.mark.parametrize("kind", ["png", "gif", "bmp", "jpg"])
def test_a_picture_with_a_page_behind_it_is_only_ever_a_download(browser, owner, kind):
    data = polyglot(kind)
    image = factories.make_image(owner, data, f"page.html.{kind}")
    original = browser.get(f"/images/{image.pk}/original")
    assert original.headers["Content-Disposition"] == f'attachment; filename="page.html.{kind}"'
    assert original.headers["Content-Type"] == "application/octet-stream"
    assert original.headers["X-Content-Type-Options"] == "nosniff"
    assert original.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert content_of(original) == data


@pytest.mark.parametrize("by", ["nginx", "site"])
@pytest.mark.parametrize("query", ["", "?download", "?inline", "?download=0", "?disposition=inline"])
def test_no_query_makes_an_original_anything_but_a_download(browser, image, settings, by, query):
    settings.GMM_DOWNLOADS, settings.SENDFILE_ROOT = by, settings.MEDIA_ROOT
    original = browser.get(f"/images/{image.pk}/original{query}")
    original.close()
    assert original.headers["Content-Disposition"] == 'attachment; filename="phantom.png"'
    assert original.headers["Content-Type"] == "application/octet-stream"


def test_an_original_that_is_known_already_stays_a_download(browser, image):
    first = browser.get(f"/images/{image.pk}/original")
    first.close()
    etag = first.headers["ETag"]
    again = browser.get(f"/images/{image.pk}/original", headers={"If-None-Match": etag})
    assert again.status_code == 304
    assert again.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize("kind", ["png", "gif", "bmp", "jpg"])
def test_what_browsers_show_is_made_anew_and_holds_nothing_of_the_file(browser, owner, kind):
    image = factories.make_image(owner, polyglot(kind), f"page.{kind}")
    for name in ("display", "thumbnail"):
        shown = browser.get(f"/images/{image.pk}/{name}")
        assert shown.headers["Content-Type"] in {"image/png", "image/jpeg", "image/webp"}
        assert shown.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        assert shown.headers["X-Content-Type-Options"] == "nosniff"
        assert b"<" + SCRIPT[1:7] not in content_of(shown)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.svg", SVG),
        ("a.png", SVG),
        ("a.html", b"<!DOCTYPE html>" + SCRIPT),
        ("a.png", b"<!DOCTYPE html>" + SCRIPT),
        ("a.gif", b"GIF89a/*" + SCRIPT + b"*/=1;"),
        ("a.xml", b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'),
        ("a.pdf", b"%PDF-1.7 /JS (app.alert(1))"),
        ("a.js", b"alert(1)"),
    ],
)
def test_what_is_no_picture_by_content_is_refused(browser, name, data):
    response = browser.send_form("/api/v1/images", {"image": SimpleUploadedFile(name, data, "image/png")})
    assert problem_of(response)["code"] in {"unsupported_format", "corrupt"}
    assert not Image.objects.exists()


@pytest.mark.parametrize("name", ["a.html", "a.svg", "a.js", "a.PDF", "a.png.exe"])
def test_a_picture_that_is_called_a_page_is_downloaded_under_another_name(browser, media_root, name):
    data = polyglot("png")
    assert browser.send_form("/api/v1/images", {"image": SimpleUploadedFile(name, data)}).status_code == 201
    image = Image.objects.get()
    assert "other_extension" in [notice["code"] for notice in image.notices]
    original = browser.get(f"/images/{image.pk}/original")
    assert original.headers["Content-Disposition"] == f'attachment; filename="{name}.png"'
    assert content_of(original) == data


def test_a_type_that_the_sender_claims_is_not_believed(browser):
    data = factories.encoded(factories.pixels())
    file = SimpleUploadedFile("a.png", data, "text/html")
    image = browser.send_form("/api/v1/images", {"image": file}).json()
    assert image["format"] == "PNG"
    for link in ("display", "thumbnail", "original"):
        response = browser.get(image["links"][link])
        response.close()
        assert response.headers["Content-Type"] in {"image/png", "image/webp", "application/octet-stream"}


def test_a_mask_with_a_page_behind_it_is_made_anew(browser, image):
    file = io.BytesIO(factories.encoded(factories.bar_mask()) + SCRIPT)
    file.name = "mask.png"
    mask = browser.send_form(f"/api/v1/images/{image.pk}/masks", {"mask": file}).json()["sha256"]
    body = {"image": str(image.pk), "recipe": {"n_clusters": 2}, "inputs": {"mask": mask}}
    run = browser.send("POST", "/api/v1/runs", body).json()["id"]
    sent = browser.get(f"/runs/{run}/mask.png")
    assert sent.headers["Content-Type"] == "image/png"
    assert SCRIPT not in content_of(sent)
