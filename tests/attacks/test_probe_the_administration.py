"""Odd addresses below /admin/: none is a fault of the site, and none tells what somebody else has."""

import uuid

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone

from segmentation.models import PeriodicTask
from segmentation.models.periodic_tasks import PeriodicTaskName
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

ODD = ["zz", "1", "-1", "0", "9" * 30, str(uuid.UUID(int=7)), "%00", "a/b", "é", "_2F", "x" * 300]


def link(thing, key=None):
    return f"/admin/r/{ContentType.objects.get_for_model(thing).pk}/{key or thing.pk}/"


@pytest.fixture
def staff_with(client, transactional_db):
    def sign_in(*codenames):
        person = factories.make_user(f"role-{uuid.uuid4().hex[:6]}", is_staff=True)
        person.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(person)
        return client

    return sign_in


def test_breaking_the_link_to_the_site(client, staff):
    staff.user_permissions.set(Permission.objects.all())
    client.force_login(staff)
    for number in (*ContentType.objects.values_list("pk", flat=True), 0, 10**12, 10**30):
        for key in ODD:
            assert client.get(f"/admin/r/{number}/{key}/").status_code == 404, (number, key)


def test_breaking_the_page_of_a_row(client, staff):
    staff.user_permissions.set(Permission.objects.all())
    client.force_login(staff)
    for model in ("image", "run", "user", "worker", "periodictask"):
        for key in ODD:
            for view in ("change", "delete", "history", "password", "cancel", "retry"):
                answer = client.get(f"/admin/segmentation/{model}/{key}/{view}/")
                assert answer.status_code in {302, 403, 404, 405}, (model, key, view, answer.status_code)


def test_learning_what_exists_without_the_permission_to_see_it(staff_with, finished_run, owner):
    browser = staff_with("view_user", "view_worker")
    for thing in (finished_run.image, finished_run):
        there = browser.get(link(thing))
        nothing = browser.get(link(thing, uuid.uuid4()))
        assert (there.status_code, nothing.status_code) == (404, 404)
        assert "Location" not in there.headers
    for thing in (owner, finished_run.job, Permission.objects.first()):
        assert browser.get(link(thing)).status_code == 404  # has no page on the site


def test_learning_it_from_the_pages_of_rows(staff_with, finished_run, owner, worker_row):
    PeriodicTask.objects.get_or_create(name=PeriodicTaskName.FILES, defaults={"due": timezone.now()})
    group, missing = Group.objects.create(name="some"), uuid.uuid4()
    address = EmailAddress.objects.create(user=owner, email="owner@example.org")
    browser = staff_with()
    for thing, nothing in (
        (finished_run, missing), (finished_run.image, missing), (worker_row, missing), (PeriodicTask.objects.first(), "nothing"),
        (owner, 999), (group, 999), (address, 999),
    ):  # fmt: skip
        app, model = thing._meta.app_label, thing._meta.model_name
        for view in ("change", "delete", "history", "password", "cancel", "retry"):
            for method in (browser.get, browser.post):
                found = [method(f"/admin/{app}/{model}/{key}/{view}/").status_code for key in (thing.pk, nothing)]
                assert found[0] == found[1], (model, view, method, found)


def test_who_may_see_it_is_led_there(staff_with, finished_run):
    browser = staff_with("view_run", "view_image")
    for thing in (finished_run.image, finished_run):
        answer = browser.get(link(thing))
        assert (answer.status_code, answer.headers["Location"]) == (302, thing.get_absolute_url())


def test_people_who_are_not_staff(client, stranger, finished_run):
    client.force_login(stranger)
    for thing in (finished_run.image, finished_run, stranger):
        assert client.get(link(thing)).headers["Location"].startswith("/admin/login/?next=/admin/r/")


@pytest.mark.parametrize("model", ["segmentation/image", "segmentation/run", "segmentation/user", "auth/group", "account/emailaddress", "admin/logentry"])  # fmt: skip
@pytest.mark.parametrize(
    "text",
    [" ".join(["word"] * 1000), "x" * 5000, '"' * 999, "'" + "y " * 400, "\\" * 600, "a b c d e f g h i j k l m"],
    ids=["words", "long", "quotes", "open quote", "backslashes", "thirteen"],
)
def test_searching_for_a_thousand_words(client, staff, owner, model, text):
    staff.user_permissions.set(Permission.objects.all())
    client.force_login(staff)
    answer = client.get(f"/admin/{model}/", {"q": text})
    assert answer.status_code == 200
    assert "The search is too long." in answer.content.decode()


def test_a_short_search_is_whole(client, staff, owner):
    client.force_login(staff)
    page = client.get("/admin/segmentation/user/", {"q": "own er"}).content.decode()
    assert "too long" not in page
    assert f"/admin/segmentation/user/{owner.pk}/change/" in page
