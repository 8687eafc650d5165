"""Planting a session in somebody's browser, or going on with one that has ended (session fixation)."""

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from tests import factories
from tests.clients import Browser

pytestmark = pytest.mark.django_db(transaction=True)
CREDENTIALS = {"login": "owner", "password": factories.PASSWORD}


def with_session(key):
    client = Client()
    client.cookies["sessionid"] = key
    return client


@pytest.fixture
def browser(db):
    factories.make_user("owner")
    return Browser()


def test_a_session_that_was_planted_is_not_the_one_that_is_signed_in(browser):
    planted = Client().session
    planted["note"] = "attacker"
    planted.create()
    browser.cookies["sessionid"] = planted.session_key
    assert browser.send_form("/accounts/login/", CREDENTIALS).status_code == 302
    assert browser.cookies["sessionid"].value != planted.session_key
    assert with_session(planted.session_key).get("/account/").status_code == 302
    assert browser.get("/account/").status_code == 200


@pytest.mark.parametrize("key", ["a" * 32, "../../etc/passwd", "", "0", "x" * 5000])
def test_a_key_that_the_site_never_gave_becomes_no_session(browser, key):
    browser.cookies["sessionid"] = key
    browser.send_form("/accounts/login/", CREDENTIALS)
    assert browser.cookies["sessionid"].value != key
    assert not Session.objects.filter(session_key=key).exists()


def test_the_token_of_forms_changes_with_signing_in(browser):
    before = browser.cookies["csrftoken"].value
    browser.send_form("/accounts/login/", CREDENTIALS)
    assert browser.cookies["csrftoken"].value != before


def test_a_copied_cookie_ends_with_signing_out(browser):
    browser.send_form("/accounts/login/", CREDENTIALS)
    copied = browser.cookies["sessionid"].value
    assert with_session(copied).get("/account/").status_code == 200
    assert browser.send_form("/accounts/logout/", {}).status_code == 302
    assert with_session(copied).get("/account/").status_code == 302


def test_a_copied_cookie_ends_with_a_new_password(browser):
    browser.send_form("/accounts/login/", CREDENTIALS)
    copied = browser.cookies["sessionid"].value
    fields = {"oldpassword": factories.PASSWORD, "password1": "walnut-harbour-48", "password2": "walnut-harbour-48"}
    assert browser.send_form("/accounts/password/change/", fields).status_code == 302
    assert browser.get("/account/").status_code == 200
    assert with_session(copied).get("/account/").status_code == 302
