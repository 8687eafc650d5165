import re

import pytest
from django.contrib.auth.models import Group

from segmentation.models import Image, Run, User
from tests import factories
from tests.admin.conftest import image_row, make_images, make_runs

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/segmentation/user/"


@pytest.fixture
def superuser(client, transactional_db):
    person = User.objects.create_superuser("chief", password=factories.PASSWORD)
    client.force_login(person)
    return client


def fields(person, **changes):
    """Return the data of the form of a person."""
    return {"username": person.username, "email": person.email, "is_active": "on", **changes}


def test_the_list_and_the_page_say_how_much_a_person_has_stored(admin, owner):
    image, *_ = make_images(image_row(owner, bytes=1_500_000), image_row(owner, bytes=500_000))
    make_runs(image, 3)
    row = re.search(rf'<a href="{LIST}{owner.pk}/change/.*?</tr>', admin.get(LIST).content.decode(), re.DOTALL)[0]
    assert f'href="/admin/segmentation/image/?owner={owner.pk}">2<' in row
    assert "2\N{NARROW NO-BREAK SPACE}MB" in row
    text = admin.get(f"{LIST}{owner.pk}/change/").content.decode()
    assert f'<a href="/admin/segmentation/image/?owner={owner.pk}">2 images</a>' in text
    assert f'<a href="/admin/segmentation/run/?owner={owner.pk}">3 runs</a>' in text


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_a_constant_number_of_queries(admin, count, django_assert_num_queries):
    for number in range(count - 1):
        make_images(image_row(factories.make_user(f"person-{number}")))
    with django_assert_num_queries(6):
        assert len(re.findall('name="_selected_action"', admin.get(LIST).content.decode())) == count


def test_staff_switch_an_account_off(admin, owner):
    assert admin.post(f"{LIST}{owner.pk}/change/", fields(owner, is_active="")).status_code == 302
    owner.refresh_from_db()
    assert owner.is_active is False


def test_who_is_no_superuser_makes_nobody_one_not_even_themselves(admin, staff, owner):
    group = Group.objects.create(name="all")
    for person in (staff, owner):
        before = (person.is_staff, set(person.user_permissions.all()))
        admin.post(f"{LIST}{person.pk}/change/", fields(person, is_superuser="on", is_staff="on", groups=[group.pk]))
        person.refresh_from_db()
        assert (person.is_staff, set(person.user_permissions.all())) == before
        assert not person.is_superuser
        assert not person.groups.exists()


def test_who_is_no_superuser_leaves_superusers_alone(admin):
    chief = User.objects.create_superuser("chief", password=factories.PASSWORD)
    assert admin.post(f"{LIST}{chief.pk}/change/", fields(chief, email="x@example.org")).status_code == 403
    assert admin.post(f"{LIST}{chief.pk}/password/", {"password1": "a", "password2": "a"}).status_code == 403
    assert admin.post(f"{LIST}{chief.pk}/delete/", {"post": "yes"}).status_code == 403
    admin.post(LIST, {"action": "delete_selected", "_selected_action": [chief.pk], "post": "yes"})
    chief.refresh_from_db()
    assert chief.check_password(factories.PASSWORD)
    assert chief.email == ""


def test_a_superuser_makes_somebody_staff(superuser, owner):
    superuser.post(f"{LIST}{owner.pk}/change/", fields(owner, is_staff="on"))
    owner.refresh_from_db()
    assert owner.is_staff


def test_a_superuser_adds_a_person_who_can_sign_in(superuser):
    new = {
        "username": "newcomer",
        "usable_password": "true",
        "password1": factories.PASSWORD,
        "password2": factories.PASSWORD,
    }
    assert superuser.post(f"{LIST}add/", new).status_code == 302
    assert User.objects.get(username="newcomer").check_password(factories.PASSWORD)


def test_deleting_a_person_says_what_goes_and_takes_everything(admin, finished_run, owner, media):
    address = f"{LIST}{owner.pk}/delete/"
    asked = admin.get(address).content.decode()
    assert re.findall(r"<li>(\w+: \d+)</li>", asked) == ["Users: 1", "Images: 1", "Runs: 1"]
    admin.post(address, {"post": "yes"})
    assert not User.objects.filter(pk=owner.pk).exists()
    assert not Image.objects.exists()
    assert not Run.objects.exists()
    assert media.keys() == []


def test_people_with_images_are_not_deleted_by_who_may_not_delete_images(staff_with, image, owner):
    browser = staff_with("view_user", "change_user", "delete_user")
    assert browser.post(f"{LIST}{owner.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Image.objects.count() == 1
