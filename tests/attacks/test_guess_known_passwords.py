"""People take passwords that everybody knows, which somebody else then guesses."""

import pytest

from segmentation.models import User
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

KNOWN = ["P@ssw0rd123", "Summer2024!", "Password123!", "Winter2025!!", "qwertyuiop123", "letmein12345", "gmmstudio2024"]
GOOD = [
    factories.PASSWORD,
    "walnut-meadow-kite",
    "Zx9!kQ2#vL",
    "correct horse battery staple",
    "ж" * 3 + "лампа-река-сыр",
]
SENTENCE = "easy to guess"


def sign_up(client, password, **more):
    return client.post("/accounts/signup/", {"username": "marguerite", "password1": password, **more})


@pytest.mark.parametrize("password", [*KNOWN, "Marguerite1987!", "lovelace-ada1"])
def test_taking_it_at_the_sign_up(client, transactional_db, password):
    page = sign_up(client, password, email="ada@lovelace.example").content.decode()
    assert SENTENCE in page or "too similar" in page or "too common" in page
    assert not User.objects.exists()


@pytest.mark.parametrize("password", GOOD)
def test_a_good_one_is_taken(client, transactional_db, password):
    assert sign_up(client, password).status_code == 302


@pytest.mark.parametrize("password", KNOWN[:3])
def test_changing_to_it(client, owner, password):
    client.force_login(owner)
    fields = {"oldpassword": factories.PASSWORD, "password1": password, "password2": password}
    assert SENTENCE in client.post("/accounts/password/change/", fields).content.decode()


@pytest.mark.parametrize("password", KNOWN[:3])
def test_giving_it_to_somebody_in_the_administration(client, staff, owner, password):
    client.force_login(staff)
    fields = {"usable_password": "true", "password1": password, "password2": password}
    page = client.post(f"/admin/segmentation/user/{owner.pk}/password/", fields).content.decode()
    assert SENTENCE in page


def test_a_password_so_long_that_estimating_it_stops_the_site(client, transactional_db, monkeypatch):
    """The estimate takes seconds for sixty characters like these, and for ever for a thousand."""
    import zxcvbn  # noqa: PLC0415 - loaded when somebody chooses a password

    lengths = []
    estimate = zxcvbn.zxcvbn
    monkeypatch.setattr(zxcvbn, "zxcvbn", lambda text, **more: lengths.append(len(text)) or estimate(text, **more))
    sign_up(client, "4@8({[<69&#!1/|0$57+%2" * 100)
    assert max(lengths) <= 20
