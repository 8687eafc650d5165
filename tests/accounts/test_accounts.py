"""Sign-up, sign-in, sign-out and password changes through the pages."""

import json
import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from allauth.account import urls
from django.contrib.auth.hashers import make_password
from django.core import mail
from django.db import connection
from django.db.models.signals import pre_save
from django.test import Client
from django.urls import reverse

from segmentation.models import User
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

SIGN_UP, SIGN_IN = "/accounts/signup/", "/accounts/login/"
PAGES = sorted(pattern.name for pattern in urls.urlpatterns)
ARGUMENTS = {
    "account_confirm_email": {"key": "no-such-key"},
    "account_reset_password_from_key": {"uidb36": "1", "key": "no-such-key"},
}
NEW = "walnut-meadow-kite"
ERROR = re.compile(r'<p class="error"\s+role="alert">.*?</p>', re.DOTALL)


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
        ("owner", PASSWORD, "This name is already taken"),
        ("OWNER", PASSWORD, "This name is already taken"),
        ("\uff4f\uff57\uff4e\uff45\uff52", PASSWORD, "This name is already taken"),
        ("admin", PASSWORD, "is reserved"),
        ("Support", PASSWORD, "is reserved"),
        ("ada", "1234567890", "too common"),
        ("ada", "walnut-me", "It must contain at least 10 characters"),
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


def test_who_is_second_by_a_moment_to_take_a_name_is_told_so(client):
    """Both requests have found the name free; the database accepts only one."""

    def be_faster(instance, **_kwargs):
        pre_save.disconnect(be_faster, sender=User)
        User.objects.create_user(instance.username)

    pre_save.connect(be_faster, sender=User)
    response = sign_up(client, email="ada@example.org")
    page = response.content.decode()
    assert response.status_code == 200
    assert "This name is already taken" in page
    assert 'value="ada"' in page
    assert who(client) is None
    assert [person.email for person in User.objects.all()] == [""]


def test_two_who_take_one_name_at_the_same_time_get_one_account(transactional_db):
    """Both threads wait before the same INSERT."""
    both = threading.Barrier(2, timeout=20)

    def wait_for_the_other(instance, **_kwargs):
        if instance.pk is None:
            both.wait()

    def take(address):
        try:
            return sign_up(Client(), email=address)
        finally:
            connection.close()

    pre_save.connect(wait_for_the_other, sender=User)
    try:
        with ThreadPoolExecutor(2) as people:
            answers = list(people.map(take, ("one@example.org", "other@example.org")))
    finally:
        pre_save.disconnect(wait_for_the_other, sender=User)
    assert sorted(answer.status_code for answer in answers) == [200, 302]
    (late,) = (answer for answer in answers if answer.status_code == 200)
    assert "This name is already taken" in late.content.decode()
    assert User.objects.get().email in {"one@example.org", "other@example.org"}


@pytest.mark.parametrize(
    ("fields", "verification"),
    [(["username*", "email", "password1*"], "none"), (["username*", "email*", "password1*"], "optional")],
)
def test_the_sign_up_does_not_tell_who_has_an_address(client, owner, settings, fields, verification):
    settings.ACCOUNT_SIGNUP_FIELDS, settings.ACCOUNT_EMAIL_VERIFICATION = fields, verification
    owner.emailaddress_set.create(email="owner@example.org", primary=True, verified=True)
    known, unknown = (sign_up(Client(), name, email=f"{name}@example.org") for name in ("owner2", "ada"))
    taken = sign_up(client, "eve", email="owner@example.org")
    assert taken.url == known.url == unknown.url == "/"
    assert User.objects.filter(email="owner@example.org").get().username == "eve"


def test_somebody_elses_unconfirmed_address_opens_no_door(client, owner):
    owner.emailaddress_set.create(email="owner@example.org", primary=True, verified=True)
    sign_up(client, "eve", NEW, email="owner@example.org")
    client.post("/accounts/logout/")
    assert sign_in(client, "owner@example.org").url == "/"
    assert who(client) == str(owner.pk)
    assert "do not match" in sign_in(Client(), "owner@example.org", NEW).content.decode()
    mail.outbox.clear()
    Client().post("/accounts/password/reset/", {"email": "owner@example.org"})
    assert [message.subject for message in mail.outbox] == ["A new password for owner"]


def test_a_closed_site_makes_no_accounts(client, settings):
    settings.REGISTRATION_OPEN = False
    assert "Registration is closed" in client.get(SIGN_UP).content.decode()
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
    address = sign_in(client, "owner@example.org", "something else").content.decode()
    (said,) = {ERROR.search(page)[0] for page in (known, unknown, address)}
    assert "do not match" in said
    assert who(client) is None


def test_guessing_is_stopped(client, owner):
    for _ in range(5):
        sign_in(client, "owner", "guess")
    page = sign_in(client, "owner").content.decode()
    assert "Wait five minutes" in page
    assert who(client) is None


def test_too_many_requests_are_answered_in_the_sites_own_design(client, transactional_db):
    for _ in range(20):
        sign_up(client, "", "")
    response = sign_up(client)
    assert response.status_code == 429
    assert "Too many attempts" in response.content.decode()
    assert "css/tokens.css" in response.content.decode()
    assert not User.objects.exists()


def test_behind_a_proxy_limits_count_by_the_address_that_the_proxy_saw(client, owner, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    for number in range(12):
        sign_in(Client(headers={"x-forwarded-for": f"203.0.113.9, 198.51.100.{number}"}), f"name{number}", "guess")
    client.defaults["HTTP_X_FORWARDED_FOR"] = "203.0.113.9, 198.51.100.99"
    assert sign_in(client, "owner").url == "/"


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/history/", "/history/"),
        ("/history/?state=failed", "/history/?state=failed"),
        ("http://testserver/history/", "http://testserver/history/"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("http://localhost/", "/"),
        ("http://testserver:8080/", "/"),
    ],
)
def test_one_comes_back_to_this_site_only(client, owner, wanted, reached):
    assert sign_in(client, "owner", next=wanted).url == reached
    assert client.post("/accounts/logout/", {"next": wanted}).url == reached
    assert sign_up(client, next=wanted).url == reached


def test_what_was_asked_for_survives_the_way_to_the_sign_in_and_to_the_sign_up(client, transactional_db):
    response = client.get("/history/?state=failed")
    assert response.url == "/accounts/login/?next=/history/%3Fstate%3Dfailed"
    page = client.get(response.url).content.decode()
    assert 'name="next" value="/history/?state=failed"' in page
    assert 'href="/accounts/signup/?next=%2Fhistory%2F%3Fstate%3Dfailed"' in page


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
    given = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    response = client.post("/accounts/password/change/", given, follow=True)
    assert response.redirect_chain == [("/account/", 302)]
    assert "The password was changed." in response.content.decode()
    assert client.get("/history/").status_code == 200
    assert other.get("/history/").status_code == 302
    owner.refresh_from_db()
    assert owner.check_password(NEW)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"oldpassword": "something else"}, "This is not your password."),
        ({"password1": "walnut-me", "password2": "walnut-me"}, "It must contain at least 10 characters"),
        ({"password2": PASSWORD}, "You must type the same password each time."),
    ],
)
def test_a_password_that_cannot_be_changed_stays(client, owner, fields, sentence):
    client.force_login(owner)
    given = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW, **fields}
    assert sentence in client.post("/accounts/password/change/", given).content.decode()
    owner.refresh_from_db()
    assert owner.check_password(PASSWORD)


def test_a_forgotten_password_is_replaced_through_a_link_that_works_once(client, owner):
    owner.email = "owner@example.org"
    owner.save()
    assert (
        client.post("/accounts/password/reset/", {"email": "owner@example.org"}).url == "/accounts/password/reset/done/"
    )
    (message,) = mail.outbox
    assert message.subject == "A new password for owner"
    assert "The request came from 127.0.0.1, " in message.body
    html = message.alternatives[0].content
    (link,) = set(re.findall(r"https?://\S+/key/\S+/", message.body))
    assert html.count(link) == 2
    assert "style=" not in html
    page = client.get(link, follow=True)
    client.post(page.request["PATH_INFO"], {"password1": NEW, "password2": NEW})
    owner.refresh_from_db()
    assert owner.check_password(NEW)
    assert "This link no longer works" in Client().get(link, follow=True).content.decode()


def test_an_address_without_an_account_looks_the_same_and_gets_a_message(client, transactional_db):
    assert client.post("/accounts/password/reset/", {"email": "x@example.org"}).url == "/accounts/password/reset/done/"
    (message,) = mail.outbox
    assert message.subject == "No account with this address"
    assert "x@example.org" in message.body
    assert "x@example.org" in message.alternatives[0].content


@pytest.mark.parametrize(("configured", "sentence"), [(True, "is on its way"), (False, "does not send e-mail yet")])
def test_what_becomes_of_the_message_is_said(client, settings, configured, sentence):
    settings.EMAIL_CONFIGURED = configured
    assert sentence in client.get("/accounts/password/reset/done/").content.decode()
    asked = client.get("/accounts/password/reset/").content.decode()
    assert ("does not send e-mail yet" in asked) is not configured
    assert "If your account has no address" in asked


def add_address(client, address="owner@example.org"):
    return client.post("/accounts/email/", {"action_add": "", "email": address})


def test_an_address_is_added_after_the_password_was_asked_for_and_brings_a_new_password(client, owner):
    client.force_login(owner)
    response = add_address(client)
    assert response.url.startswith("/accounts/reauthenticate/")
    assert not owner.emailaddress_set.exists()
    assert "This is not your password." in client.post(response.url, {"password": "something else"}).content.decode()
    client.post(response.url, {"password": PASSWORD})
    owner.refresh_from_db()
    assert owner.email == "owner@example.org"
    page = client.get("/accounts/email/").content.decode()
    assert "main address" in page
    assert "not confirmed" in page
    Client().post("/accounts/password/reset/", {"email": "owner@example.org"})
    assert [message.subject for message in mail.outbox] == ["Confirm your address", "A new password for owner"]


def test_a_second_address_is_not_the_main_one(client, owner):
    client.force_login(owner)
    client.post(add_address(client).url, {"password": PASSWORD})
    add_address(client, "other@example.org")
    owner.refresh_from_db()
    assert owner.email == "owner@example.org"
    assert owner.emailaddress_set.count() == 2


def test_an_address_is_confirmed_by_its_link(client, owner):
    client.force_login(owner)
    client.post(add_address(client).url, {"password": PASSWORD})
    link = re.search(r"https?://\S+/confirm-email/\S+/", mail.outbox[0].body)[0]
    assert "Is this your address?" in Client().get(link).content.decode()
    Client().post(link)
    assert owner.emailaddress_set.get().verified


def test_an_account_made_in_the_administration_with_capitals_keeps_its_name_to_itself(client, transactional_db):
    User.objects.create(username="Grace", password=make_password(PASSWORD))
    assert "This name is already taken" in sign_up(client, "grace").content.decode()
    sign_in(client, "Grace")
    assert who(client)


def test_an_account_that_is_switched_off_is_told_so(client, owner):
    owner.is_active = False
    owner.save()
    assert (
        "This account is deactivated"
        in client.post(SIGN_IN, {"login": "owner", "password": PASSWORD}, follow=True).content.decode()
    )
    assert who(client) is None


def test_without_stay_signed_in_the_session_ends_with_the_browser(client, owner):
    sign_in(client, "owner")
    assert client.session.get_expire_at_browser_close()
    client.post("/accounts/logout/")
    sign_in(client, "owner", remember="on")
    assert not client.session.get_expire_at_browser_close()


def settings_with(**environment):
    """Return a setting from a new process with these variables, because settings are read once at its start."""
    names = ("ACCOUNT_SIGNUP_FIELDS", "ACCOUNT_EMAIL_VERIFICATION", "EMAIL_CONFIGURED", "ALLAUTH_TRUSTED_PROXY_COUNT")
    program = (
        f"import json; from django.conf import settings; print(json.dumps([getattr(settings, n) for n in {names}]))"
    )
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**inherited, "DJANGO_SETTINGS_MODULE": "gmmsite.settings", "SECRET_KEY": "k" * 60, **environment},
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_an_address_is_needed_only_where_mail_can_be_sent():
    assert settings_with() == [["username*", "email", "password1*"], "none", False, 0]
    assert settings_with(EMAIL_URL="smtp://user:secret@mail.example.org:25", SITE_URL="https://gmm.example.org") == [
        ["username*", "email*", "password1*"],
        "optional",
        True,
        1,
    ]


def test_where_an_address_is_needed_one_is_still_signed_in_at_once(client, settings):
    settings.ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
    settings.ACCOUNT_EMAIL_VERIFICATION = "optional"
    assert "This field is required" in sign_up(client).content.decode()
    assert not User.objects.exists()
    assert sign_up(client, email="ada@example.org").url == "/"
    assert who(client)
    assert [message.subject for message in mail.outbox] == ["Confirm your address"]


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("signed_in", [False, True])
def test_every_page_is_in_the_sites_own_design(client, owner, name, signed_in):
    if signed_in:
        sign_in(client, "owner")
    response = client.get(reverse(name, kwargs=ARGUMENTS.get(name)), follow=True)
    page = response.content.decode()
    assert response.status_code == 200
    assert "css/tokens.css" in page
    assert "GMM Studio" in page
    assert "style=" not in page
    assert "Menu:" not in page  # of the layout that comes with django-allauth
    # password_reset_help_text.html is empty for this: allauth's fields would name a text that no page of ours shows.
    described = {part for ids in re.findall(r'aria-describedby="([^"]*)"', page) for part in ids.split()}
    assert described <= set(re.findall(r'\sid="([^"]*)"', page))


def test_the_administration_has_the_same_sign_in(client, staff):
    response = client.get("/admin/", follow=True)
    assert response.redirect_chain[-1][0].startswith(SIGN_IN)
    assert sign_in(client, "staff", next="/admin/").url == "/admin/"
    assert client.get("/admin/").status_code == 200
