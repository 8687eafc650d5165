"""A stranger measures how much work the site does for a name or an address, to learn whether there is such an account."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import MD5PasswordHasher
from django.core import mail
from django.core.cache import cache
from django.test import Client

from segmentation.models import User
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


class CountingHasher(MD5PasswordHasher):
    """Counts how many password hashes are computed: they are what an attempt costs."""

    computed = 0

    def encode(self, password, salt):
        type(self).computed += 1
        return super().encode(password, salt)


@pytest.fixture
def work(settings):
    """The number of hashes and of messages that a request takes."""
    settings.PASSWORD_HASHERS = [f"{__name__}.CountingHasher"]

    def measure(send):
        cache.clear()  # how often one may try is not what this is about
        before, sent = CountingHasher.computed, len(mail.outbox)
        answer = send(Client())
        return CountingHasher.computed - before, len(mail.outbox) - sent, answer.status_code

    return measure


@pytest.fixture
def people(work, transactional_db):
    """Accounts with a confirmed address, an unconfirmed one, one that two claim, none, without a password, switched off."""
    for name in ("confirmed", "unconfirmed", "one", "other", "nomail", "nopassword", "off"):
        factories.make_user(name)
    EmailAddress.objects.create(user=User.objects.get(username="confirmed"), email="confirmed@x.org", verified=True)
    EmailAddress.objects.create(user=User.objects.get(username="unconfirmed"), email="unconfirmed@x.org")
    User.objects.filter(username__in=["one", "other"]).update(email="claimed@x.org")
    User.objects.filter(username="off").update(is_active=False, email="off@x.org")
    User.objects.filter(username="nopassword").update(password="!", email="nopassword@x.org")
    User.objects.create(username="looks@like.org", password=User.objects.get(username="one").password)


NAMES = ["confirmed", "CONFIRMED", "nomail", "nopassword", "off", "one", "looks@like.org"]
ADDRESSES = ["confirmed@x.org", "unconfirmed@x.org", "claimed@x.org", "nopassword@x.org", "off@x.org"]
NOBODY = ["nobody", "nobody@x.org", "no body", "@", "x" * 200]


def test_by_the_hashes_of_a_sign_in(people, work):
    def sign_in(login):
        return work(lambda client: client.post("/accounts/login/", {"login": login, "password": "wrong-guess-here"}))

    assert {login: sign_in(login) for login in (*NAMES, *ADDRESSES, *NOBODY)} == dict.fromkeys(
        (*NAMES, *ADDRESSES, *NOBODY), (1, 0, 200)
    )


@pytest.mark.parametrize("verification", ["none", "optional"])
def test_by_the_hashes_of_a_sign_up(people, work, settings, verification):
    settings.ACCOUNT_EMAIL_VERIFICATION = verification

    def sign_up(number, address):
        fields = {"username": f"newcomer{'abcdef'[number]}", "email": address, "password1": "plum-orbit-lantern"}
        return work(lambda client: client.post("/accounts/signup/", fields))

    addresses = ["confirmed@x.org", "unconfirmed@x.org", "claimed@x.org", "free@x.org"]
    found = {sign_up(number, address) for number, address in enumerate(addresses)}
    assert found == {(1, int(verification == "optional"), 302)}


def test_by_what_a_forgotten_password_costs(people, work):
    def reset(address):
        return work(lambda client: client.post("/accounts/password/reset/", {"email": address}))

    addresses = ["confirmed@x.org", "unconfirmed@x.org", "off@x.org", "nobody@x.org", "claimed@x.org"]
    assert {address: reset(address) for address in addresses} == dict.fromkeys(addresses, (0, 1, 302))


def test_whoever_has_the_address_gets_a_link_for_each_account(people, client):
    client.post("/accounts/password/reset/", {"email": "claimed@x.org"})
    (message,) = mail.outbox
    links = re.findall(r"http://testserver/accounts/password/reset/key/\S+", message.body)
    assert len(links) == len(set(links)) == 2
    assert "For your account other:" in message.body
    assert all(link in message.alternatives[0].content for link in links)
    for link, name in zip(links, ("one", "other"), strict=True):
        page = Client().get(link, follow=True)
        assert page.context["form"].user.username == name


def test_by_asking_for_the_password_once_more(people, work):
    """Who is signed in learns nothing of others: one hash, whatever address they claim."""
    for name in ("one", "nomail", "confirmed"):
        person = User.objects.get(username=name)

        def again(client, person=person):
            client.force_login(person)
            return client.post("/accounts/reauthenticate/", {"password": "wrong-guess-here"})

        assert work(again) == (1, 0, 200)


def test_the_right_password_costs_no_more(people, work):
    for login in ("confirmed", "confirmed@x.org", "looks@like.org"):
        fields = {"login": login, "password": factories.PASSWORD}
        assert work(lambda client, fields=fields: client.post("/accounts/login/", fields)) == (1, 0, 302)


def test_taking_a_name_that_is_somebody_elses_address(people, client):
    """The owner of the address is still the one who signs in by it."""
    fields = {"username": "claimed@x.org", "password1": "plum-orbit-lantern"}
    assert "Leave out the @" in client.post("/accounts/signup/", fields).content.decode()
    confirmed = User.objects.get(username="confirmed")
    User.objects.create(username="confirmed@x.org", password=User.objects.get(username="off").password)
    client.post("/accounts/login/", {"login": "confirmed@x.org", "password": factories.PASSWORD})
    assert client.session["_auth_user_id"] == str(confirmed.pk)
