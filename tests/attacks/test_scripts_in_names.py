"""Storing markup in the names that people give, or sending it in an address, and having a page run it."""

import html
import json
import re
from urllib.parse import quote

import pytest

from segmentation.models import Revision, User
from tests import factories
from tests.clients import Browser

pytestmark = pytest.mark.django_db(transaction=True)
MARKUP = "<img src=x onerror=alert(1)>"
BREAKING = [
    MARKUP,
    "\"'><svg onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "{{7*7}}{% debug %}",
    "javascript:alert(1)",
]


def elements(page):
    """Which of an attacker's elements and attributes a page really has."""
    text = page.content.decode()
    return re.findall(r"<(?:svg onload|img src=x|script>alert)|onerror=alert\(1\)>(?!&)|href=\"javascript:", text)


@pytest.mark.parametrize("name", BREAKING)
def test_a_name_of_a_picture_is_text_on_every_page(owner, staff, name):
    image = factories.make_image(owner, name=f"{name}.png".replace("/", "\u2215"))
    run = factories.make_run(image)
    shown = html.escape(image.name)
    browser, keeper = Browser(owner), Browser(staff)
    pages = [browser.get(address) for address in ("/", "/history/", f"/images/{image.pk}/", f"/runs/{run.pk}/")]
    pages += [browser.get(f"/images/{image.pk}/delete/"), browser.get(f"/runs/{run.pk}/delete/")]
    pages += [keeper.get(f"/admin/segmentation/{model}/") for model in ("image", "run")]
    pages += [keeper.get(f"/admin/segmentation/image/{image.pk}/change/")]
    pages += [keeper.get(f"/admin/segmentation/run/{run.pk}/change/"), keeper.get("/admin/segmentation/worker/queue/")]
    for page in pages:
        assert page.status_code == 200
        assert elements(page) == [], page.request["PATH_INFO"]
    assert all(shown in page.content.decode() for page in pages[:4])


def test_a_message_that_names_a_picture_is_text(owner):
    image = factories.make_image(owner, name=f"{MARKUP}.png")
    browser = Browser(owner)
    page = browser.post(
        f"/images/{image.pk}/delete/", {"csrfmiddlewaretoken": browser.cookies["csrftoken"].value}, follow=True
    )
    assert elements(page) == []
    assert html.escape(MARKUP) in page.content.decode()


def test_a_refused_file_with_markup_in_its_name_is_named_as_text(owner):
    browser = Browser(owner)
    file = factories.named(b"nothing", f"{MARKUP}.png")
    page = browser.send_form("/", {"image": file, "n_clusters": "3"})
    assert page.status_code == 422
    assert elements(page) == []
    assert html.escape(MARKUP) in page.content.decode()


def test_a_name_of_a_cluster_is_text_on_its_page_and_in_the_administration(finished_run, owner, staff):
    revision = Revision.objects.get()
    revision.legend["clusters"][0]["name"] = MARKUP
    revision.save()
    for page in (
        Browser(owner).get(f"/runs/{finished_run.pk}/"),
        Browser(staff).get(f"/admin/segmentation/run/{finished_run.pk}/change/"),
    ):
        assert page.status_code == 200
        assert elements(page) == []


def test_the_api_sends_names_as_json_that_is_no_page(owner):
    image = factories.make_image(owner, name=f"{MARKUP}.png")
    response = Browser(owner).get(f"/api/v1/images/{image.pk}")
    assert response.headers["Content-Type"].startswith("application/json")
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert json.loads(response.content)["name"] == f"{MARKUP}.png"


def test_a_name_of_a_person_that_got_past_the_sign_up_is_text(db, staff):
    person = User.objects.create_user(MARKUP, password=factories.PASSWORD)
    image = factories.make_image(person)
    run = factories.make_run(image)
    keeper = Browser(staff)
    pages = [keeper.get(f"/admin/segmentation/{model}/") for model in ("user", "image", "run")]
    pages += [Browser(person).get("/account/"), keeper.get(f"/runs/{run.pk}/"), keeper.get(f"/images/{image.pk}/")]
    for page in pages:
        assert page.status_code == 200
        assert elements(page) == []


@pytest.mark.parametrize("text", BREAKING)
@pytest.mark.parametrize(
    "address",
    [
        *("/history/?q=%s", "/history/?page=%s", "/history/?state=%s", "/history/?image=%s", "/?n_clusters=%s"),
        *("/accounts/login/?next=%s", "/accounts/signup/?next=%s", "/nothing/%s", "/admin/login/?next=%s", "/theme/%s"),
        "/accounts/password/reset/key/%s/",
    ],
)
def test_what_an_address_says_is_text_on_its_page(owner, text, address):
    for browser in (Browser(owner), Browser()):
        page = browser.get(address % quote(text, safe=""), follow=True)
        assert elements(page) == []
        assert "49" not in re.findall(r'value="(49)', page.content.decode())


@pytest.mark.parametrize("text", BREAKING)
def test_what_a_form_says_is_text_when_it_comes_back(owner, image, text):
    browser = Browser(owner)
    fields = dict.fromkeys(("n_clusters", "preset", "seed", "mask", "begin", "tolerance", "parent"), text)
    page = browser.send_form(f"/images/{image.pk}/run/", fields)
    assert page.status_code == 422
    assert elements(page) == []
    page = Browser().post("/accounts/login/", {"login": text, "password": text})
    assert elements(page) == []
