"""Claiming another host, scheme or client address in a header, to poison links or to pass for somebody else."""

import pytest
from django.core import mail

from tests import factories
from tests.clients import Browser

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "host", ["evil.example", "testserver.evil.example", "testserver@evil.example", "127.0.0.1:80@evil", "[::1", "a b"]
)
@pytest.mark.parametrize("address", ["/", "/accounts/password/reset/", "/api/v1/openapi.json", "/admin/"])
def test_another_host_is_refused_whatever_is_asked_for(db, host, address):
    response = Browser().get(address, headers={"Host": host})
    assert response.status_code == 400
    assert host.encode() not in response.content


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "X-Host", "X-Forwarded-Server", "Forwarded", "X-Original-Host"])
def test_a_link_in_a_message_leads_to_the_site_only(db, name):
    factories.make_user("owner", email="owner@example.org")
    browser = Browser()
    token = {"X-CSRFToken": browser.cookies["csrftoken"].value}
    browser.post(
        "/accounts/password/reset/",
        {"email": "owner@example.org"},
        headers={name: "host=evil.example" if name == "Forwarded" else "evil.example", **token},
    )
    assert len(mail.outbox) == 1
    assert "evil.example" not in mail.outbox[0].body
    assert "http://testserver/accounts/password/reset/key/" in mail.outbox[0].body


@pytest.mark.parametrize(
    "name", ["X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Prefix", "X-Script-Name", "X-Forwarded-Path"]
)
def test_a_header_does_not_change_the_address(finished_run, stranger, name):
    secret = f"/runs/{finished_run.pk}/"
    answer = Browser(stranger).get("/help/", headers={name: secret})
    assert answer.status_code == 200
    assert str(finished_run.pk) not in answer.content.decode()
    assert Browser(stranger).get(secret, headers={name: "/help/"}).status_code == 404


@pytest.mark.parametrize(
    "name", ["Remote-User", "X-Remote-User", "X-Forwarded-User", "X-User", "X-Authenticated-User", "Authorization"]
)
def test_a_header_signs_nobody_in(owner, name):
    for value in ("owner", "Basic b3duZXI6b3duZXI=", "Bearer owner"):
        assert Browser().get("/account/", headers={name: value}).status_code == 302
        assert Browser().get("/api/v1/runs/1", headers={name: value}).status_code in {401, 404}


def test_a_claimed_client_address_is_not_believed_without_a_proxy(db, settings):
    """Sign-in limits count by it: whoever chooses theirs has no limit."""
    assert settings.GMM_TRUSTED_PROXIES == 0
    factories.make_user("owner")
    browser, answers = Browser(), []
    for number in range(12):
        token = {"X-CSRFToken": browser.cookies["csrftoken"].value}
        fields = {"login": "owner", "password": f"wrong-{number}"}
        headers = {**token, "X-Forwarded-For": f"203.0.113.{number}", "X-Real-IP": f"203.0.113.{number}"}
        answers.append(browser.post("/accounts/login/", fields, headers=headers).content.decode())
    assert any("Too many attempts failed" in page or "too many attempts" in page for page in answers)


def test_plain_http_that_claims_to_be_https_is_not_believed_without_a_proxy(owner, settings):
    assert settings.SECURE_PROXY_SSL_HEADER is None
    answer = Browser(owner).get("/account/", headers={"X-Forwarded-Proto": "https"})
    assert not answer.wsgi_request.is_secure()
