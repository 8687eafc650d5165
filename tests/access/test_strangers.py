"""Nobody can see or change another person's objects.

The addresses come from the URL configuration, so that none is forgotten. An address with an unknown parameter fails.
"""

import json
from collections import Counter

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.utils import timezone

from segmentation.api import api
from segmentation.engine.recipe import Inputs
from segmentation.models import Image, Job, Revision, Run, User, Worker
from tests import factories
from tests.access.addresses import Things, is_admin, is_private, parameters, routes

METHODS = ("get", "head", "post", "put", "patch", "delete")
BODY = {"revision": 0, "clusters": [{"index": 0, "foreground": True}], "n_clusters": 4}
SEES_ALL = ("view_image", "view_run")
PUBLIC = frozenset(
    {
        *("", "help/", "theme/", "too-large/", "healthz", "metrics", "api/v1/openapi.json", "api/v1/"),
        *("accounts/login/", "accounts/logout/", "accounts/signup/", "accounts/inactive/", "accounts/confirm-email/"),
        *("accounts/password/reset/", "accounts/password/reset/done/", "accounts/password/reset/key/done/"),
        *("accounts/login/code/confirm/", "admin/login/", "admin/logout/"),
    }
)
"""Public addresses without parameters."""


@pytest.fixture
def things(owner, worker_row):
    return Things(owner, worker_row)


def send(client, method, address):
    token = client.cookies["csrftoken"].value if "csrftoken" in client.cookies else ""
    response = client.generic(
        method.upper(), address, json.dumps(BODY), content_type="application/json", headers={"X-CSRFToken": token}
    )
    response.close()
    return response


def signed_in(user):
    """Return a browser with a session and a CSRF token, which the site checks."""
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(user)
    client.get("/")
    assert "csrftoken" in client.cookies
    return client


def anonymous():
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.get("/accounts/login/")
    return client


def inactive():
    """Return a browser with the session of an account that has been deactivated."""
    person = factories.make_user("inactive")
    client = signed_in(person)
    User.objects.filter(pk=person.pk).update(is_active=False)
    return client


def keeper(name, *permissions, **fields):
    person = factories.make_user(name, is_staff=True, **fields)
    person.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return signed_in(person)


ROLES = {
    "anonymous": anonymous,
    "inactive": inactive,
    "stranger": lambda: signed_in(factories.make_user("stranger")),
    "owner": lambda: signed_in(User.objects.get(username="owner")),
    "staff without permissions": lambda: keeper("powerless"),
    "staff who see all": lambda: keeper("viewer", *SEES_ALL),
    "superuser": lambda: keeper("root", is_superuser=True),
}


def everything():
    return (
        set(Image.objects.values_list("pk", "owner", "name", "trashed")),
        set(Run.objects.values_list("pk", "image", "revision")),
        set(Job.objects.values_list("pk", "owner", "state")),
        set(Revision.objects.values_list("pk", "number")),
        set(User.objects.values_list("pk", "username", "password", "is_active", "is_staff", "is_superuser")),
        set(Group.objects.values_list("pk", "name")),
        set(EmailAddress.objects.values_list("pk", "email", "user", "verified")),
        set(Worker.objects.values_list("pk", "leaving")),
    )


def is_refused(answer):
    """Return whether the administration responds to an invisible object as to one that does not exist."""
    return answer.status_code in {403, 404, 405} or (answer.status_code, answer.headers.get("Location")) == (
        302,
        "/admin/",
    )


def private_routes():
    return [route for route in routes() if is_private(route)]


def admin_routes():
    return [route for route in routes() if is_admin(route) and parameters(route)]


def test_every_address_with_a_parameter_has_an_object(things, capsys):
    """A new kind of parameter in an address needs an object here."""
    lacking = {}
    for route in routes():
        try:
            things.address(route)
        except KeyError as unknown:
            lacking[route] = str(unknown)
    assert lacking == {}
    assert {"runs/<run_id>/binary.png", "api/v1/runs/<run_id>/legend"} <= set(private_routes())
    assert {"admin/segmentation/user/<object_id>/change/", "admin/r/<content_type_id>/<object_id>/"} <= set(
        admin_routes()
    )
    kinds = {"private": len(private_routes()), "administration": len(admin_routes()), "all": len(routes())}
    with capsys.disabled():
        print(f"\naddresses times {len(ROLES)} roles:", ", ".join(f"{n} {kind}" for kind, n in kinds.items()))  # noqa: T201 - counts to be read


def test_every_operation_of_the_api_is_among_the_addresses():
    described = {path.replace("{", "<").replace("}", ">").lstrip("/") for path in api.get_openapi_schema()["paths"]}
    assert described <= set(routes())
    ids = {path for path in described if parameters(path)}
    assert ids == {route for route in private_routes() if route.startswith("api/")}


@pytest.mark.parametrize("role", ["stranger", "staff without permissions"])
def test_who_may_not_see_a_thing_gets_the_404_of_something_that_does_not_exist(role, things):
    client = ROLES[role]()
    before, answers = everything(), Counter()
    for route in private_routes():
        for method in METHODS:
            answer = send(client, method, things.address(route))
            answers[answer.status_code] += 1
            if answer.status_code == 405:
                assert method.upper() not in answer.headers["Allow"].split(", "), (method, route)
            else:
                assert answer.status_code == 404, (method, route)
    assert everything() == before
    assert answers[404] > len(private_routes())


@pytest.mark.parametrize("role", ["anonymous", "inactive"])
def test_who_is_not_signed_in_gets_the_sign_in_page_or_401(role, things):
    client = ROLES[role]()
    before = everything()
    for route in private_routes():
        address = things.address(route)
        for method in METHODS:
            response = send(client, method, address)
            if response.status_code == 405:
                assert method.upper() not in response.headers["Allow"].split(", "), (method, route)
            elif address.startswith("/api/"):
                assert response.status_code == 401, (method, route)
            else:
                assert response.status_code == 302, (method, route)
                assert response.headers["Location"].startswith("/accounts/login/?next="), (method, route)
    assert everything() == before


def test_staff_who_see_all_see_what_the_owner_sees_and_change_nothing(things):
    owner, viewer = ROLES["owner"](), ROLES["staff who see all"]()
    before = everything()
    for route in private_routes():
        address = things.address(route)
        wanted, seen = send(owner, "get", address).status_code, send(viewer, "get", address).status_code
        assert seen == wanted or (seen == 403 and route.endswith("/delete/")), route
        for method in METHODS[2:]:
            assert send(viewer, method, address).status_code in {403, 405}, (method, route)
    assert everything() == before


@pytest.mark.parametrize("role", ["owner", "superuser"])
def test_every_private_address_answers_who_may_use_it(role, things):
    """Without this test, the tests above would also pass for addresses that do not work at all."""
    client = ROLES[role]()
    for route in private_routes():
        address = things.address(route)
        answer = send(client, "get", address)
        if answer.status_code == 405:  # changes something; none of these deletes
            answers = {send(client, method, address).status_code for method in ("post", "patch")}
            assert answers & {200, 201, 302, 409, 422}, (route, answers)
        else:
            assert answer.status_code == 200, route


def test_the_administration_sends_away_who_is_no_staff(things):
    for role in ("anonymous", "inactive", "stranger", "owner"):
        client = ROLES[role]()
        before = everything()
        for route in admin_routes():
            for method in ("get", "post"):
                answer = send(client, method, things.address(route))
                assert answer.status_code == 302, (role, method, route)
                assert answer.headers["Location"].startswith("/admin/login/"), (role, method, route)
    assert everything() == before


def test_the_administration_shows_nothing_to_staff_without_permissions(things):
    client = ROLES["staff without permissions"]()
    before = everything()
    for route in admin_routes():
        if route.endswith("/<object_id>/"):
            continue  # leads to a page that is asked for below: the change page, or that of the site
        for method in ("get", "post"):
            assert is_refused(send(client, method, things.address(route))), (method, route)
    assert everything() == before


def test_the_administration_shows_images_and_runs_only_to_staff_who_see_these(things):
    client = ROLES["staff who see all"]()
    before = everything()
    for route in admin_routes():
        if route.endswith("/<object_id>/") or "<app_label>" in route:
            continue
        is_shown = route.startswith(("admin/segmentation/image/", "admin/segmentation/run/")) and (
            route.endswith(("/change/", "/history/"))
        )
        answer, posted = (send(client, method, things.address(route)) for method in ("get", "post"))
        assert answer.status_code == 200 if is_shown else is_refused(answer), (answer, route)
        assert is_refused(posted) or (posted.status_code == 200 and is_shown), (posted, route)
    assert everything() == before


def test_the_administration_answers_superusers(things):
    client = ROLES["superuser"]()
    for route in admin_routes():
        answer = send(client, "get", things.address(route))
        assert answer.status_code in {200, 301, 302, 403, 404, 405}, route
        if route.endswith("/change/"):
            assert answer.status_code == 200, route


def test_whoever_is_not_signed_in_sees_only_what_is_public(things):
    client = ROLES["anonymous"]()
    for route in routes():
        if parameters(route) or route in PUBLIC:
            continue
        answer = client.get(f"/{route}")
        answer.close()
        if route.startswith("api/"):
            assert answer.status_code in {401, 405}, route
        else:
            assert answer.status_code == 302, route
            assert "/login/?next=" in answer.headers["Location"], route


def test_a_link_with_a_key_that_nobody_was_sent_changes_nothing(things):
    clients = {role: sign_in() for role, sign_in in ROLES.items()}
    before = everything()
    keyed = [route for route in routes() if route.startswith("accounts/") and parameters(route)]
    assert len(keyed) == 2
    for role, client in clients.items():
        for route in keyed:
            for method in ("get", "post"):
                answer = send(client, method, things.address(route)).status_code
                assert answer in {200, 302, 400, 403, 404, 405, 429}, (role, method, route)
    assert everything() == before


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


def test_a_signed_in_browser_without_the_csrf_token_changes_nothing(things, owner):
    client = signed_in(owner)
    before = everything()
    for route in private_routes():
        for method in ("post", "put", "patch", "delete"):
            address = things.address(route)
            response = client.generic(method.upper(), address, json.dumps(BODY), content_type="application/json")
            assert response.status_code in {403, 405}, (method, address)
    assert everything() == before


def test_trashed_images_are_gone_for_everybody(things):
    Image.objects.update(trashed=timezone.now())
    for role in ("owner", "staff who see all", "superuser"):
        client = ROLES[role]()
        for route in private_routes():
            for method in METHODS:
                assert send(client, method, things.address(route)).status_code in {404, 405}, (role, method, route)
