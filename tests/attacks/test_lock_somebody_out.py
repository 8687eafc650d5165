"""Strangers keep a person out by giving wrong passwords for them; or guess from many addresses without being slowed."""

import pytest
from django.core import mail
from django.test import Client

from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "walnut-meadow-kite"


@pytest.fixture(autouse=True)
def _behind_a_proxy(settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1


def browser(number=0):
    return Client(headers={"x-forwarded-for": f"198.51.100.{number}"})


def sign_in(client, password=factories.PASSWORD, login="owner"):
    client.post("/accounts/logout/")
    return client.post("/accounts/login/", {"login": login, "password": password})


def is_in(client):
    return "_auth_user_id" in client.session


@pytest.fixture
def known(owner):
    """The browser of the owner, who has signed in with it before."""
    client = browser(99)
    sign_in(client)
    assert is_in(client)
    client.post("/accounts/logout/")
    return client


def attack(login="owner", times=40):
    for number in range(times):
        sign_in(browser(number), f"guess {number}", login)


def test_wrong_passwords_from_many_addresses(known):
    attack()
    assert sign_in(known).url == "/"
    assert is_in(known)


def test_wrong_passwords_from_the_network_of_the_person(known):
    """Behind one address, as in a laboratory, with a cookie of the attacker's own."""
    factories.make_user("eve")
    neighbour = browser(99)
    sign_in(neighbour, login="eve")
    for number in range(40):
        sign_in(neighbour, f"guess {number}")
    assert sign_in(known).url == "/"


def test_wrong_passwords_between_two_sign_ins_and_for_what_asks_again(known):
    sign_in(known)
    attack()
    known.post("/accounts/reauthenticate/", {"password": factories.PASSWORD})
    new = {"oldpassword": factories.PASSWORD, "password1": NEW, "password2": NEW}
    assert known.post("/accounts/password/change/", new).url == "/account/"


@pytest.mark.parametrize("login", ["owner", "OWNER", "owner@example.org"])
def test_guessing_from_many_addresses(owner, login):
    owner.emailaddress_set.create(email="owner@example.org", primary=True, verified=True)
    attack(login, times=5)
    stranger = browser(50)
    assert "Wait five minutes" in sign_in(stranger, login=login).content.decode()
    assert not is_in(stranger)


def test_guessing_with_the_cookie_of_a_browser_that_knows_somebody_else(owner):
    factories.make_user("eve")
    stranger = browser(50)
    sign_in(stranger, login="eve")
    attack(times=5)
    assert "Wait five minutes" in sign_in(stranger).content.decode()


@pytest.mark.parametrize(
    "forge", [lambda _cookie: "", lambda cookie: cookie[:-2], lambda cookie: cookie.replace(":", "x:", 1)]
)
def test_guessing_with_a_forged_cookie(known, forge, settings):
    stranger = browser(50)
    stranger.cookies[settings.DEVICE_COOKIE_NAME] = forge(known.cookies[settings.DEVICE_COOKIE_NAME].value)
    attack(times=5)
    assert "Wait five minutes" in sign_in(stranger).content.decode()


def test_guessing_with_the_browser_of_the_person(known):
    for number in range(10):
        sign_in(known, f"guess {number}")
    assert "Wait five minutes" in sign_in(known).content.decode()


def test_a_new_password_by_mail_lets_the_person_in_on_any_browser(owner):
    owner.emailaddress_set.create(email="owner@example.org", primary=True, verified=True)
    attack()
    fresh = browser(77)
    fresh.post("/accounts/password/reset/", {"email": "owner@example.org"})
    link = mail.outbox[-1].body.split("http://testserver")[1].split()[0]
    page = fresh.get(link, follow=True)
    fresh.post(page.request["PATH_INFO"], {"password1": NEW, "password2": NEW})
    assert sign_in(fresh, NEW).url == "/"


def test_the_cookie_is_for_this_site_alone_and_no_script(known, settings):
    cookie = known.cookies[settings.DEVICE_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
