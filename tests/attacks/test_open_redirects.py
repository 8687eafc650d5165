"""Sending people to another site through a link to this one."""

from urllib.parse import quote, urlsplit

import pytest

from tests import factories
from tests.clients import Browser

pytestmark = pytest.mark.django_db(transaction=True)
ELSEWHERE = [
    *(
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "https:evil.example",
    ),
    *(
        "javascript:alert(1)",
        "data:text/html,x",
        "http://testserver@evil.example/",
        "/%09/evil.example",
        "\t//evil.example",
    ),
    *(
        "http://testserver.evil.example/",
        "ftp://testserver/",
        "//testserver:81/",
        "https:///evil.example",
        "http:\\\\evil.example",
    ),
    "/\r\nLocation: https://evil.example/",
]


def leads_away(response):
    place = response.headers.get("Location", "")
    parts = urlsplit(place)
    return (parts.scheme not in {"", "http"} or parts.netloc not in {"", "testserver"}) or place.startswith(
        ("//", "/\\")
    )


@pytest.mark.parametrize("place", ELSEWHERE)
def test_nobody_is_sent_away_after_signing_in(db, place):
    factories.make_user("owner")
    browser = Browser()
    fields = {"login": "owner", "password": factories.PASSWORD, "next": place}
    response = browser.send_form(f"/accounts/login/?next={quote(place)}", fields)
    assert response.status_code == 302
    assert not leads_away(response), response.headers["Location"]


@pytest.mark.parametrize("place", ELSEWHERE)
def test_nobody_is_sent_away_after_doing_something(owner, place):
    browser, image = Browser(owner), factories.make_image(owner)
    run = factories.make_run(image)
    for address in ("/theme/", f"/runs/{run.pk}/delete/", f"/images/{image.pk}/delete/", "/accounts/logout/"):
        response = browser.send_form(address, {"next": place, "theme": "dark"})
        assert response.status_code == 302, address
        assert not leads_away(response), (address, response.headers["Location"])


@pytest.mark.parametrize(
    "address", ["//evil.example/admin", "//evil.example/runs", "/\\evil.example/history", "//evil.example/%2e%2e"]
)
def test_a_missing_slash_is_added_on_this_site_only(owner, address):
    response = Browser(owner).get(address)
    assert response.status_code == 404 or not leads_away(response)


@pytest.mark.parametrize("place", ELSEWHERE)
def test_the_administration_sends_nobody_away(staff, place):
    response = Browser(staff).get(f"/admin/login/?next={quote(place)}")
    assert not leads_away(response)
