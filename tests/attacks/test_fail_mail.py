"""The mail server is away, or refuses an address that somebody chose for that: no page may break, and none may lie."""

import socket

import pytest
from django.core import mail
from django.test import Client

from segmentation.models import User
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

SENTENCE = "could not be sent"


@pytest.fixture
def no_server(settings):
    """A port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = free.getsockname()
        settings.EMAIL_CONFIGURED, settings.ACCOUNT_EMAIL_VERIFICATION = True, "optional"
        settings.ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
        yield settings


def sign_up(client, email="ada@example.org"):
    fields = {"username": "ada", "email": email, "password1": factories.PASSWORD}
    return client.post("/accounts/signup/", fields, follow=True)


def works_again(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def test_signing_up(client, no_server, caplog):
    answer = sign_up(client)
    page = answer.content.decode()
    assert answer.redirect_chain == [("/accounts/email/", 302)]
    assert answer.status_code == 200
    assert "The message to ada@example.org could not be sent." in page
    assert "is on its way" not in page
    assert User.objects.get().email == "ada@example.org"
    assert "could not be sent" in caplog.text
    works_again(no_server)
    again = client.post("/accounts/email/", {"action_send": "", "email": "ada@example.org"}, follow=True)
    assert "is on its way to ada@example.org" in again.content.decode()
    assert [message.to for message in mail.outbox] == [["ada@example.org"]]


@pytest.mark.parametrize("email", ["ada@example.org", "nobody@example.org"])
def test_forgetting_a_password(client, no_server, email):
    factories.make_user("ada", email="ada@example.org")
    answer = client.post("/accounts/password/reset/", {"email": email}, follow=True)
    assert answer.redirect_chain == [("/accounts/password/reset/", 302)]
    assert SENTENCE in answer.content.decode()
    works_again(no_server)
    answer = client.post("/accounts/password/reset/", {"email": email}, follow=True)
    assert "is on its way" in answer.content.decode()
    assert len(mail.outbox) == 1


def test_adding_an_address_and_asking_for_its_link(client, no_server):
    ada = factories.make_user("ada")
    client.force_login(ada)
    asked = client.post("/accounts/email/", {"action_add": "", "email": "ada@example.org"})
    pages = [client.post(asked.url, {"password": factories.PASSWORD}, follow=True)]
    pages.append(client.post("/accounts/email/", {"action_send": "", "email": "ada@example.org"}, follow=True))
    for answer in pages:
        assert answer.status_code == 200
        assert SENTENCE in answer.content.decode()
        assert "is on its way" not in answer.content.decode()
    assert ada.emailaddress_set.get().email == "ada@example.org"


def test_with_an_address_that_no_message_can_be_written_to(client, no_server):
    works_again(no_server)
    label = "".join(
        map(chr, range(0x4E00, 0x4E00 + 60 * 7, 7))
    )  # longer than a name of a host may be once it is encoded
    answer = sign_up(client, f"a@{label}.de")
    assert answer.status_code == 200
    page = answer.content.decode()
    assert SENTENCE in page or "valid email" in page


def test_a_server_that_never_answers(client, no_server):
    """It takes the connection and says nothing; the page gives up."""
    no_server.EMAIL_TIMEOUT = 0.2
    with socket.create_server(("127.0.0.1", 0)) as silent:
        no_server.EMAIL_PORT = silent.getsockname()[1]
        assert SENTENCE in sign_up(client).content.decode()


def test_the_site_waits_for_mail_for_seconds_only(settings):
    assert 0 < settings.EMAIL_TIMEOUT <= 10


def test_learning_from_the_failure_who_has_an_account(no_server):
    factories.make_user("ada", email="ada@example.org")
    answers = [
        Client().post("/accounts/password/reset/", {"email": email}, follow=True)
        for email in ("ada@example.org", "nobody@example.org")
    ]
    assert len({(answer.status_code, str(answer.redirect_chain)) for answer in answers}) == 1
