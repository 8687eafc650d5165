"""An authentication method works for pages, files and the API alike."""

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.test import Client

from segmentation import authentication
from segmentation.authentication import SESSION, Authenticator
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def _by_header(monkeypatch):
    """Add an authenticator that reads the person from a header, like one for tokens."""

    def person(request):
        return get_user_model().objects.filter(username=request.headers["X-Person"]).first() or AnonymousUser()

    by_header = Authenticator(
        is_used=lambda request: "X-Person" in request.headers, find=person, needs_csrf_token=False
    )
    monkeypatch.setattr(authentication, "AUTHENTICATORS", (by_header, SESSION))


def links(browser, run):
    """Return the links that the API returns for a run and its image."""
    of_run = browser.get(f"/api/v1/runs/{run.pk}").json()["links"]
    of_image = browser.get(f"/api/v1/images/{run.image_id}").json()["links"]
    return {*of_run.values(), *of_image.values()}


def status(browser, address):
    """Return the status of a response without reading it; some addresses accept POST only, or need a query string."""
    response = browser.get(address)
    response.close()
    return response.status_code


@pytest.mark.usefixtures("_by_header")
def test_links_of_the_api_work_for_whoever_got_them_whichever_way_they_are_known(finished_run, owner):
    browser = Client(headers={"X-Person": owner.username})
    for address in links(browser, finished_run):
        assert status(browser, address) in {200, 405, 422}, address
    assert settings.SESSION_COOKIE_NAME not in browser.cookies, "nobody is signed in by it"


@pytest.mark.parametrize("person", ["owner", "staff"])
def test_links_of_the_api_work_with_a_session(client, request, finished_run, person):
    client.force_login(request.getfixturevalue(person))
    for address in links(client, finished_run):
        assert status(client, address) in {200, 405, 422}, address


@pytest.mark.usefixtures("_by_header")
def test_the_csrf_token_is_asked_of_sessions_only(owner, image):
    body = {"image": str(image.pk), "recipe": {"n_clusters": 3}}
    with_session = Client(enforce_csrf_checks=True)
    with_session.force_login(owner)
    with_header = Client(enforce_csrf_checks=True, headers={"X-Person": owner.username})
    for browser, expected in ((with_session, 403), (with_header, 201)):
        assert browser.post("/api/v1/runs", body, content_type="application/json").status_code == expected
    for browser, expected in ((with_session, 403), (with_header, 302)):
        assert browser.post(f"/images/{image.pk}/run/", {"n_clusters": "3"}).status_code == expected


@pytest.mark.usefixtures("_by_header")
def test_whoever_names_somebody_unknown_is_nobody_also_with_a_session(owner, image):
    browser = Client(headers={"X-Person": "nobody"})
    browser.force_login(owner)
    assert browser.get(f"/api/v1/images/{image.pk}").status_code == 401


@pytest.mark.usefixtures("_by_header")
def test_a_stranger_is_told_the_same_as_of_what_does_not_exist(image):
    factories.make_user("stranger")
    browser = Client(headers={"X-Person": "stranger"})
    nowhere = "00000000-0000-4000-8000-000000000000"
    for address in ("/images/{}/", "/images/{}/display", "/api/v1/images/{}"):
        theirs, none = (browser.get(address.format(key), headers={"Accept": "*/*"}) for key in (image.pk, nowhere))
        assert (theirs.status_code, theirs.content) == (none.status_code, none.content) == (404, none.content)
