"""Signing up, in and out, and new passwords, as a person does it."""

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from segmentation.models import User
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

SIGN_UP, SIGN_IN = "/accounts/signup/", "/accounts/login/"
PAGES = [
    "account_login", "account_signup", "account_logout", "account_inactive", "account_reauthenticate", "account_email",
    "account_email_verification_sent", "account_change_password", "account_set_password", "account_reset_password",
    "account_reset_password_done", "account_reset_password_from_key_done",
]  # fmt: skip


def who(client):
    return client.session.get("_auth_user_id")


def sign_up(client, name="ada", password=PASSWORD, **more):
    return client.post(SIGN_UP, {"username": name, "password1": password, **more})


def sign_in(client, login, password=PASSWORD, **more):
    return client.post(SIGN_IN, {"login": login, "password": password, **more})


def test_a_name_and_a_password_are_enough_and_one_is_signed_in_at_once(client):
    response = sign_up(client)
    ada = User.objects.get(username="ada")
    assert (response.status_code, response.url) == (302, "/")
    assert who(client) == str(ada.pk)
    assert ada.email == ""
    assert "ada" in client.get("/").content.decode()


def test_an_address_is_kept_when_given(client):
    sign_up(client, email="ada@example.org")
    assert User.objects.get().email == "ada@example.org"


@pytest.mark.parametrize(
    ("name", "password", "sentence"),
    [
        ("owner", PASSWORD, "already exists"),
        ("OWNER", PASSWORD, "already exists"),
        ("admin", PASSWORD, "can not be used"),
        ("ada", "12345678", "too common"),
        ("ada", "short", "too short"),
        ("adalovelace", "adalovelace1", "too similar to the username"),
        ("", PASSWORD, "required"),
    ],
)
def test_what_cannot_be_is_explained_and_makes_nobody(client, owner, name, password, sentence):
    response = sign_up(client, name, password)
    page = response.content.decode()
    assert response.status_code == 200
    assert sentence in page
    assert 'aria-invalid="true"' in page
    assert User.objects.count() == 1


def test_a_closed_site_makes_no_accounts(client, settings):
    settings.REGISTRATION_OPEN = False
    assert "This site makes no new accounts" in client.get(SIGN_UP).content.decode()
    assert "Create one" not in client.get(SIGN_IN).content.decode()
    sign_up(client)
    assert not User.objects.exists()


@pytest.mark.parametrize("login", ["owner", "Owner", "owner@example.org"])
def test_one_signs_in_by_name_or_by_address(client, owner, login):
    owner.emailaddress_set.create(email="owner@example.org", primary=True, verified=True)
    assert sign_in(client, login).url == "/"
    assert who(client) == str(owner.pk)


def test_a_wrong_password_says_the_same_as_an_unknown_name(client, owner):
    known = sign_in(client, "owner", "something else").content.decode()
    unknown = sign_in(client, "nobody", "something else").content.decode()
    said = [re.search(r'<p class="error" role="alert">.*?</p>', page, re.DOTALL)[0] for page in (known, unknown)]
    assert said[0] == said[1]
    assert who(client) is None


def test_guessing_is_stopped(client, owner):
    for _ in range(10):
        sign_in(client, "owner", "guess")
    sign_in(client, "owner")
    assert who(client) is None


@pytest.mark.parametrize(("wanted", "reached"), [("/history/", "/history/"), ("https://evil.example/", "/")])
def test_one_comes_back_to_this_site_only(client, owner, wanted, reached):
    assert sign_in(client, "owner", next=wanted).url == reached


def test_signing_out_is_asked_for_and_done_by_post(client, owner):
    client.force_login(owner)
    assert "Sign out?" in client.get("/accounts/logout/").content.decode()
    assert who(client) == str(owner.pk)
    assert client.post("/accounts/logout/").url == "/"
    assert who(client) is None


def test_a_changed_password_keeps_this_session_and_ends_others(client, owner):
    other = Client()
    for browser in (client, other):
        sign_in(browser, "owner")
    new = "walnut-meadow-kite"
    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    assert client.get("/history/").status_code == 200
    assert other.get("/history/").status_code == 302
    owner.refresh_from_db()
    assert owner.check_password(new)


def test_a_forgotten_password_is_replaced_through_a_link_that_works_once(client, owner):
    owner.email = "owner@example.org"
    owner.save()
    assert (
        client.post("/accounts/password/reset/", {"email": "owner@example.org"}).url == "/accounts/password/reset/done/"
    )
    (message,) = mail.outbox
    assert message.subject == "A new password for owner"
    assert "The request came\nfrom 127.0.0.1, " in message.body
    html = message.alternatives[0].content
    (link,) = set(re.findall(r"https?://\S+/key/\S+/", message.body))
    assert html.count(link) == 2
    assert "style=" not in html
    page = client.get(link, follow=True)
    new = "walnut-meadow-kite"
    client.post(page.request["PATH_INFO"], {"password1": new, "password2": new})
    owner.refresh_from_db()
    assert owner.check_password(new)
    assert "This link works no more" in Client().get(link, follow=True).content.decode()


def test_an_address_without_an_account_looks_the_same_and_gets_a_message(client, transactional_db):
    assert client.post("/accounts/password/reset/", {"email": "x@example.org"}).url == "/accounts/password/reset/done/"
    assert [message.subject for message in mail.outbox] == ["No account with this address"]


def test_an_address_can_be_added_later(client, owner):
    client.force_login(owner)
    sign_in(client, "owner")
    client.post("/accounts/email/", {"action_add": "", "email": "owner@example.org"})
    page = client.get("/accounts/email/").content.decode()
    assert "owner@example.org" in page
    assert "not confirmed" in page


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("signed_in", [False, True])
def test_every_page_is_in_the_sites_own_design(client, owner, name, signed_in):
    if signed_in:
        sign_in(client, "owner")
    response = client.get(reverse(name), follow=True)
    page = response.content.decode()
    assert response.status_code == 200
    assert "css/tokens.css" in page
    assert "GMM Studio" in page
    assert "style=" not in page
    assert "Menu:" not in page  # of the layout that comes with django-allauth


def test_the_administration_has_the_same_sign_in(client, transactional_db):
    response = client.get("/admin/", follow=True)
    assert response.redirect_chain[-1][0].startswith(SIGN_IN)
