"""Nobody sees or changes another person's things. The list of addresses comes from the URL configuration itself, so that a
new one cannot be forgotten.
"""

import json

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.utils import timezone

from segmentation.engine.recipe import Inputs
from segmentation.models import Image, Job, Revision, Run
from tests import factories

METHODS = ("get", "head", "post", "put", "patch", "delete")
BODY = {"revision": 0, "clusters": [{"index": 0, "foreground": True}], "n_clusters": 4}


ELSEWHERE = {"runs/<uuid:run_id>/evidence/<int:n_clusters>.png", "runs/<uuid:run_id>/mask.png"}


def private_addresses():
    """Every address with the id of an image or a run in it, as (template, name)."""
    found = []

    def walk(patterns, prefix):
        for pattern in patterns:
            route = (prefix + str(pattern.pattern)).replace("<uuidstr:", "<uuid:")  # of django-ninja
            if isinstance(pattern, URLPattern):
                if "image_id>" in route or "run_id>" in route:
                    found.append(route)
            elif getattr(pattern, "app_name", "") != "admin":
                walk(pattern.url_patterns, route)

    walk(get_resolver().url_patterns, "")
    return sorted(set(found))


def fill(route, run):
    address = "/" + route.replace("<int:n_clusters>", "2").replace("<uuid:image_id>", str(run.image_id)).replace(
        "<uuid:run_id>", str(run.pk)
    )
    return f"{address}?x=0&y=0" if address.endswith("/at") else address


def send(client, method, address):
    token = client.cookies["csrftoken"].value if "csrftoken" in client.cookies else ""
    response = client.generic(
        method.upper(), address, json.dumps(BODY), content_type="application/json", headers={"X-CSRFToken": token}
    )
    response.close()
    return response


def signed_in(user):
    """A browser: with a session and a CSRF token, and checked for it."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    client.get("/")
    assert "csrftoken" in client.cookies
    return client


def everything():
    return (
        set(Image.objects.values_list("pk", "trashed")),
        set(Run.objects.values_list("pk", "revision")),
        set(Job.objects.values_list("pk", "state")),
        set(Revision.objects.values_list("pk", "number")),
    )


def test_the_list_of_private_addresses_is_complete_enough_to_mean_something():
    addresses = private_addresses()
    assert "images/<uuid:image_id>/original" in addresses
    assert "runs/<uuid:run_id>/binary.png" in addresses
    assert "api/v1/runs/<uuid:run_id>/legend" in addresses
    assert len(addresses) >= 20


@pytest.mark.parametrize("route", private_addresses())
def test_a_stranger_gets_404(route, finished_run, stranger):
    before = everything()
    client = signed_in(stranger)
    for method in METHODS:
        assert send(client, method, fill(route, finished_run)).status_code in {404, 405}, method
    assert everything() == before


@pytest.mark.parametrize("route", private_addresses())
def test_an_anonymous_visitor_gets_the_sign_in_page_or_401(route, finished_run):
    before = everything()
    address = fill(route, finished_run)
    for method in METHODS:
        response = send(Client(enforce_csrf_checks=True), method, address)
        if address.startswith("/api/"):
            expected = {401} if method in {"get", "head"} else {401, 403}
            assert response.status_code in expected | {405}, method
        elif response.status_code == 302:
            assert response.headers["Location"].startswith("/accounts/login/?next="), method
        else:
            assert response.status_code in {403, 405}, method
    assert everything() == before


@pytest.mark.parametrize("route", [route for route in private_addresses() if route not in ELSEWHERE])
def test_every_private_address_answers_its_owner_to_some_method(route, finished_run, owner):
    """Otherwise the tests above would pass for addresses that do not work at all.

    The evidence is there for runs only whose number of clusters was left to the engine, and the mask for those that have one:
    tests/views/test_evidence.py and test_inputs.py.
    """
    client = signed_in(owner)
    answers = {send(client, method, fill(route, finished_run)).status_code for method in METHODS[:5]}
    assert answers & {200, 201, 204, 302, 303, 409, 422}, answers


def test_a_stranger_cannot_start_a_run_on_a_foreign_image(finished_run, stranger):
    client = signed_in(stranger)
    response = client.post(
        "/api/v1/runs",
        {"image": str(finished_run.image_id), "recipe": {"n_clusters": 2}},
        content_type="application/json",
        headers={"X-CSRFToken": client.cookies["csrftoken"].value},
    )
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"
    assert Run.objects.count() == 1


def test_a_stranger_cannot_begin_with_a_foreign_run_or_take_a_foreign_mask(finished_run, stranger):
    mask = factories.make_mask(finished_run.image)
    factories.make_run(finished_run.image, inputs=Inputs(mask=mask))
    own = factories.make_image(stranger)
    client = signed_in(stranger)
    token = {"X-CSRFToken": client.cookies["csrftoken"].value}

    def ask(**body):
        body = {"image": str(own.pk), "recipe": {"n_clusters": 3}} | body
        return client.post("/api/v1/runs", body, content_type="application/json", headers=token)

    begun, masked = ask(begin=str(finished_run.pk)), ask(inputs={"mask": mask})
    assert (begun.status_code, begun.json()["code"]) == (404, "not_found")
    assert (masked.status_code, masked.json()["code"]) == (422, "invalid_request")
    for fields in ({"begin": str(finished_run.pk)}, {"mask": mask}):
        response = client.post(f"/images/{own.pk}/run/", {"n_clusters": "3"} | fields, headers=token)
        assert response.status_code == 422
    parent = {"n_clusters": "3", "parent": str(finished_run.pk)}
    client.post(f"/images/{own.pk}/run/", parent, headers=token)
    assert Run.objects.get(image=own).parent is None
    assert client.get(f"/runs/{Run.objects.filter(inputs__has_key='mask').get().pk}/mask.png").status_code == 404


def test_a_signed_in_browser_without_the_csrf_token_changes_nothing(finished_run, owner):
    client = signed_in(owner)
    before = everything()
    for route in private_addresses():
        for method in ("post", "patch", "delete"):
            address = fill(route, finished_run)
            response = client.generic(method.upper(), address, json.dumps(BODY), content_type="application/json")
            assert response.status_code in {403, 405}, (method, address)
    assert everything() == before


def test_trashed_images_are_gone_for_everybody(finished_run, owner):
    Image.objects.update(trashed=timezone.now())
    client = signed_in(owner)
    for route in private_addresses():
        assert send(client, "get", fill(route, finished_run)).status_code in {404, 405}


def test_an_account_that_was_switched_off_sees_nothing(finished_run, owner):
    owner.is_active = False
    assert not Image.objects.visible_to(owner).exists()
    assert not Run.objects.visible_to(owner).exists()


def test_staff_see_other_peoples_pictures_only_with_the_view_permission(finished_run, staff, stranger):
    stranger.is_staff = True
    stranger.save()
    assert send(signed_in(stranger), "get", fill("runs/<uuid:run_id>/binary.png", finished_run)).status_code == 404
    assert send(signed_in(staff), "get", fill("runs/<uuid:run_id>/binary.png", finished_run)).status_code == 200


@pytest.mark.parametrize("model", ["image", "run", "job", "user", "worker"])
def test_the_admin_sends_people_who_are_not_staff_away(model, finished_run, stranger):
    for client in (Client(), signed_in(stranger)):
        response = client.get(f"/admin/segmentation/{model}/")
        assert response.status_code in {302, 404}
        if response.status_code == 302:
            assert "login" in response.headers["Location"]
