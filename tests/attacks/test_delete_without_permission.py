"""Staff who may change other people's runs and images try to delete them."""

import itertools

import pytest
from django.contrib.auth.models import Permission

from segmentation.models import Image, Run
from tests import factories
from tests.admin.conftest import image_row, make_images, make_runs

pytestmark = pytest.mark.django_db(transaction=True)

VIEWS = ("view_run", "view_image")
MAY = ("change_run", "change_image", "delete_run", "delete_image")


@pytest.fixture
def role(client, transactional_db):
    """Sign in a member of staff with some permissions, with that to see everything."""

    def sign_in(*codenames):
        person = factories.make_user(f"role-{'-'.join(codenames)}", is_staff=True)
        person.user_permissions.set(Permission.objects.filter(codename__in=[*VIEWS, *codenames]))
        client.force_login(person)
        return client

    return sign_in


def ways(kind, key):
    """Each request that deletes a thing of a kind."""
    admin = f"/admin/segmentation/{kind}/"
    chosen = {"action": "delete_selected", "_selected_action": [str(key)], "index": "0", "post": "yes"}
    yield "page", lambda client: client.post(f"/{kind}s/{key}/delete/")
    yield "API", lambda client: client.delete(f"/api/v1/{kind}s/{key}")
    yield "administration", lambda client: client.post(f"{admin}{key}/delete/", {"post": "yes"})
    yield "selection in the administration", lambda client: client.post(admin, chosen)


def roles():
    return itertools.chain.from_iterable(itertools.combinations(MAY, n) for n in range(len(MAY) + 1))


def test_deleting_with_less_than_every_permission_for_what_goes(role, owner):
    for codenames in roles():
        browser = role(*codenames)
        for number, (runs, kind) in enumerate(itertools.product((0, 1), ("image", "run"))):
            image = make_images(image_row(owner, name=f"{number}.png"))[0]
            if kind == "run" and not runs:
                continue
            needed = {"delete_run"} if kind == "run" else {"delete_image"} | ({"delete_run"} if runs else set())
            for index in range(4):
                thing = image if kind == "image" else make_runs(image, state="failed")[0]
                if kind == "image" and runs:
                    make_runs(image, state="failed")
                name, delete = list(ways(kind, thing.pk))[index]
                delete(browser)
                gone = not type(thing).objects.filter(pk=thing.pk).exists()
                assert gone == (needed <= set(codenames)), (codenames, kind, runs, name)
                if gone and kind == "image":
                    image = make_images(image_row(owner))[0]


def test_owners_delete_what_is_theirs_by_page_and_api(client, owner):
    client.force_login(owner)
    for index, kind in itertools.product((0, 1), ("image", "run")):
        image = make_images(image_row(owner))[0]
        run = make_runs(image, state="failed")[0]
        list(ways(kind, (image if kind == "image" else run).pk))[index][1](client)
        assert not Run.objects.filter(pk=run.pk).exists()
        assert Image.objects.filter(pk=image.pk).exists() == (kind == "run")


def test_a_button_to_delete_is_shown_to_owners_only(role, finished_run, client, owner):
    """Staff delete in the administration, where it is asked what goes and logged."""
    addresses = (f"/images/{finished_run.image_id}/", f"/runs/{finished_run.pk}/")
    client.force_login(owner)
    assert all(f"{address}delete/" in client.get(address).content.decode() for address in addresses)
    staff = role(*MAY)
    assert not any(f"{address}delete/" in staff.get(address).content.decode() for address in addresses)
