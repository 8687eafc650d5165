"""Passing a method off as another one, so that a filter in front or a view behind sees the harmless one."""

import pytest

from segmentation.models import Image, Run
from tests.clients import Browser

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", ["DELETE", "PATCH", "PUT"])
def test_a_header_does_not_change_the_method(owner, finished_run, name, method):
    browser, address = Browser(owner), f"/api/v1/runs/{finished_run.pk}"
    assert browser.get(address, headers={name: method}).status_code == 200
    assert browser.send("POST", address, {}, **{name: method}).status_code == 405
    assert Run.objects.exists()


@pytest.mark.parametrize("field", ["_method", "_HttpMethod", "method"])
def test_a_field_does_not_change_the_method(owner, finished_run, field):
    browser, address = Browser(owner), f"/api/v1/images/{finished_run.image_id}"
    assert browser.send_form(f"{address}?{field}=DELETE", {field: "DELETE"}).status_code == 405
    assert Image.objects.exists()


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "DEBUG", "CONNECT"])
@pytest.mark.parametrize("address", ["/", "/history/", "/api/v1/runs", "/accounts/login/", "/admin/login/"])
def test_no_method_sends_the_request_back(owner, method, address):
    answer = Browser(owner).generic(method, address, headers={"X-Secret": "mirror-of-cookies"})
    assert answer.status_code in {302, 403, 405}
    assert b"mirror-of-cookies" not in answer.content
    assert not answer.headers["Content-Type"].startswith("message/http")
