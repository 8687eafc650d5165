"""After a new sign-in people return to the page where they were."""

import pytest
from django.urls import reverse

from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("referrer", "page"),
    [
        ("http://testserver/images/x/?from=history", "/images/x/?from=history"),
        ("http://elsewhere.example/images/x/", "/"),
        ("//elsewhere.example/x", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_a_form_that_was_sent_without_a_session_leads_back_to_its_page(client, image, referrer, page):
    answer = client.post(reverse("image-run", args=[image.pk]), headers={"Referer": referrer})
    assert answer.status_code == 302
    assert answer.headers["Location"].partition("?")[0] == reverse("account_login")
    credentials = {"login": image.owner.username, "password": PASSWORD}
    signed_in = client.post(answer.headers["Location"], credentials)
    assert signed_in.headers["Location"] == page


def test_a_page_that_was_asked_for_without_a_session_comes_after_the_sign_in(client, image):
    answer = client.get(image.get_absolute_url())
    signed_in = client.post(answer.headers["Location"], {"login": image.owner.username, "password": PASSWORD})
    assert signed_in.headers["Location"] == image.get_absolute_url()


def test_a_failed_sign_in_keeps_where_it_leads(client, image):
    wrong = {"login": image.owner.username, "password": "not this one", "next": image.get_absolute_url()}
    answer = client.post(reverse("account_login"), wrong)
    assert answer.status_code == 200
    assert f'value="{image.get_absolute_url()}"' in answer.content.decode()
