"""Setting what a request has no field for: owner, state, rights, ids (mass assignment)."""

import pytest

from segmentation.models import Image, Job, Run, User
from tests import factories
from tests.clients import Browser

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_run_gets_owner_state_and_id_from_the_site(owner, stranger, image):
    more = {
        "owner": stranger.pk,
        "job": {"state": "succeeded"},
        "state": "succeeded",
        "id": str(image.pk),
        "revision": 7,
    }
    body = {"image": str(image.pk), "recipe": {"n_clusters": 2}, "parent": str(image.pk), "expected_seconds": 0, **more}
    answer = Browser(owner).send("POST", "/api/v1/runs", body)
    assert answer.status_code == 201
    run = Run.objects.select_related("job").get()
    assert (run.job.owner, run.job.state, run.revision, run.parent) == (owner, "queued", 0, None)
    assert run.pk != image.pk


def test_an_image_gets_owner_and_facts_from_the_site(owner, stranger):
    file = factories.named(factories.encoded(factories.pixels()), "a.png")
    more = {
        "owner": stranger.pk,
        "name": "b.png",
        "width": "1",
        "id": str(stranger.pk),
        "sha256": "0" * 64,
        "trashed": "1",
    }
    assert Browser(owner).send_form("/api/v1/images", {"image": file, **more}).status_code == 201
    image = Image.objects.get()
    assert (image.owner, image.name, image.width, image.trashed) == (owner, "a.png", 48, None)


def test_an_edit_of_a_legend_changes_flags_only(owner, stranger, finished_run):
    cluster = {"index": 0, "foreground": True, "pixels": 1, "components": [0, 1, 2], "name": "x"}
    body = {"revision": 0, "clusters": [cluster], "author": stranger.pk, "number": 99, "legend": {}, "recipe": {}}
    answer = Browser(owner).send("PATCH", f"/api/v1/runs/{finished_run.pk}/legend", body)
    assert (answer.status_code, answer.json()["revision"]) == (200, 1)
    assert answer.json()["clusters"][0]["components"] == [0]
    assert Run.objects.get().revisions.get(number=1).author == owner
    assert Job.objects.get().owner == owner


def test_who_signs_up_gets_no_rights(db):
    fields = {"username": "newcomer", "password1": factories.PASSWORD, "email": "new@example.org"}
    more = {
        "is_staff": "on",
        "is_superuser": "on",
        "is_active": "on",
        "groups": "1",
        "user_permissions": "1",
        "id": "1",
    }
    assert Browser().send_form("/accounts/signup/", fields | more).status_code == 302
    person = User.objects.get(username="newcomer")
    assert (person.is_staff, person.is_superuser, person.has_usable_password()) == (False, False, True)
    assert not person.groups.exists()
    assert not person.user_permissions.exists()


def test_who_changes_a_password_changes_their_own_only(owner, stranger):
    before = User.objects.get(pk=stranger.pk).password
    fields = {"oldpassword": factories.PASSWORD, "password1": "walnut-harbour-48", "password2": "walnut-harbour-48"}
    Browser(owner).send_form("/accounts/password/change/", fields | {"user": stranger.pk, "username": "stranger"})
    assert User.objects.get(pk=owner.pk).check_password("walnut-harbour-48")
    assert User.objects.get(pk=stranger.pk).password == before
