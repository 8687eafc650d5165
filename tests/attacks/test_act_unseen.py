"""Staff do something with other people's things, by any address of the site, and hope that nobody learns of it."""

import json
import re
import uuid

import pytest
from django.contrib.admin.models import DELETION, LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLResolver, get_resolver

from segmentation import services
from segmentation.models import Job, Run, User
from tests import factories
from tests.admin.conftest import image_row, make_images, make_runs

pytestmark = pytest.mark.django_db(transaction=True)


def patterns(resolver, before=""):
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                yield from patterns(pattern, before + str(pattern.pattern))
        else:
            yield pattern.name, before + str(pattern.pattern)


def filled(route, key):
    """Return an address about the image or run `key`."""
    return "/" + re.sub(r"<int:\w+>", "2", re.sub(r"<\w+:(image|run)_id>", str(key), route))


def ways(browser):
    """Every method and address that takes something for an image or a run, and does not only show it."""
    named = {route: name for name, route in reversed(list(patterns(get_resolver())))}  # the first of an address's names
    for route, name in named.items():
        if "image_id>" in route or "run_id>" in route or name == "runs":
            address = filled(route, uuid.uuid4())
            for method in ("POST", "PUT", "PATCH", "DELETE"):
                if browser.generic(method, address, content_type="application/json").status_code != 405:
                    yield method, name, route


class Scene:
    """What is there to act on, as new as each act needs it."""

    def __init__(self, run, owner):
        self.run, self.owner, self.image = run, owner, run.image

    def of(self, state):
        return make_runs(self.image, state=state)[0].pk

    def row(self):
        return make_images(image_row(self.owner))[0].pk

    def seen(self):
        return Run.objects.get(pk=self.run.pk).revision

    def edited(self):
        """The number of a revision that the owner has just made."""
        return services.edit_legend(run=self.run, author=self.owner, expected=self.seen(), foreground={0: True}).number

    def file(self):
        return SimpleUploadedFile("mask.png", factories.encoded(factories.bar_mask()))

    def acts(self):
        """What to send, by method and name of the address: the keys in it, and the body."""
        run, image = self.run.pk, self.image.pk
        recipe = {"n_clusters": "3", "mask": ""}
        return {
            ("POST", "image-run"): lambda: (image, recipe | {"mask_file": self.file()}),
            ("POST", "image-delete"): lambda: (self.row(), {}),
            ("POST", "run-cancel"): lambda: (self.of("queued"), {}),
            ("POST", "run-retry"): lambda: (self.of("failed"), {}),
            ("POST", "run-legend"): lambda: (run, {"revision": self.seen(), "foreground": [1]}),
            ("POST", "run-merge"): lambda: (run, {"revision": self.seen(), "into": 0, "other": 1}),
            ("POST", "run-undo"): lambda: (run, {"revision": self.edited()}),
            ("POST", "run-delete"): lambda: (self.of("failed"), {}),
            ("POST", "runs"): lambda: (None, {"image": str(image), "recipe": {"n_clusters": 2}}),
            ("POST", "masks"): lambda: (image, {"mask": self.file()}),
            ("POST", "image-reading"): lambda: (image, {"pixel_size": "0.5 um", "no_data": "7"}),
            ("PATCH", "image"): lambda: (image, {"no_data": 9}),
            ("DELETE", "image"): lambda: (self.row(), {}),
            ("DELETE", "run"): lambda: (self.of("failed"), {}),
            ("PATCH", "run-legend"): lambda: (run, {"revision": self.seen(), "clusters": []}),
        }


def send(browser, method, address, body):
    if not address.startswith("/api/") or any(hasattr(value, "read") for value in body.values()):
        return browser.generic(method, address) if method != "POST" else browser.post(address, body)
    return browser.generic(method, address, json.dumps(body), content_type="application/json")


def test_acting_by_an_address_that_writes_no_log(client, staff, finished_run, owner):
    client.force_login(staff)
    acts, tried = Scene(finished_run, owner).acts(), set()
    for method, name, route in list(ways(client)):
        assert (method, name) in acts, f"{method} /{route} changes something, and this test does not know how"
        key, body = acts[method, name]()
        address = filled(route, key)
        LogEntry.objects.all().delete()
        answer = send(client, method, address, body)
        assert answer.status_code in {200, 201, 204, 302}, (method, address, answer.content)
        entries = list(LogEntry.objects.all())
        assert entries, f"{method} {address} left no trace"
        for entry in entries:
            assert entry.user == staff
            assert entry.change_message.endswith("Owner: owner.")
            assert (entry.action_flag == DELETION) == ("delete" in name or method == "DELETE")
        tried.add((method, name))
    assert tried == set(acts)


@pytest.mark.parametrize(("action", "state"), [("cancel", "queued"), ("retry", "failed"), ("delete", "failed")])
def test_acting_in_the_administration(client, staff, image, action, state):
    client.force_login(staff)
    one, other = make_runs(image, 2, state=state)
    client.post(f"/admin/segmentation/run/{one.pk}/{action}/", {"post": "yes"})
    chosen = {"action": f"{action}_selected", "_selected_action": [str(other.pk)], "index": "0", "post": "yes"}
    client.post("/admin/segmentation/run/", chosen)
    assert {entry.object_id for entry in LogEntry.objects.all()} == {str(one.pk), str(other.pk)}
    assert LogEntry.objects.count() == 2


def test_what_owners_do_with_their_own_things_is_nobodys_business(client, owner, image):
    client.force_login(owner)
    client.post(f"/runs/{make_runs(image)[0].pk}/cancel/")
    client.post(f"/images/{image.pk}/delete/")
    assert not Job.objects.exists()
    assert not LogEntry.objects.exists()


@pytest.fixture
def logged(client, staff, image):
    """A member of staff who has cancelled somebody else's run."""
    client.force_login(staff)
    client.post(f"/runs/{make_runs(image)[0].pk}/cancel/")
    return staff


def test_emptying_the_log(client, logged):
    """By deleting entries, or the account to which they belong; superusers neither."""
    entry = LogEntry.objects.get()
    for person in (logged, User.objects.create_superuser("chief", password=factories.PASSWORD)):
        client.force_login(person)
        for address in (f"/admin/admin/logentry/{entry.pk}/delete/", f"/admin/segmentation/user/{logged.pk}/delete/"):
            client.post(address, {"post": "yes"})
        for model, key in (("admin/logentry", entry.pk), ("segmentation/user", logged.pk)):
            chosen = {"action": "delete_selected", "_selected_action": [key], "index": "0", "post": "yes"}
            client.post(f"/admin/{model}/", chosen)
        client.post(f"/admin/admin/logentry/{entry.pk}/change/", {"change_message": "nothing"})
        assert LogEntry.objects.filter(pk=entry.pk, user=logged, change_message=entry.change_message).exists()


def test_the_account_that_must_stay_says_why_it_does(client, logged):
    client.force_login(User.objects.create_superuser("chief", password=factories.PASSWORD))
    page = client.get(f"/admin/segmentation/user/{logged.pk}/delete/").content.decode()
    assert "staff: the log contains what they did as staff" in page


def test_the_log_is_read_in_the_administration(client, logged):
    client.force_login(User.objects.create_superuser("chief", password=factories.PASSWORD))
    page = client.get("/admin/admin/logentry/?q=cancelled").content.decode()
    assert "Cancelled. Owner: owner." in page
    entry = LogEntry.objects.get()
    assert "Cancelled. Owner: owner." in client.get(f"/admin/admin/logentry/{entry.pk}/change/").content.decode()
    stranger = Client()
    stranger.force_login(factories.make_user("other", is_staff=True))
    assert stranger.get("/admin/admin/logentry/").status_code == 403
