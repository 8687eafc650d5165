"""All addresses of the site, from the URL configuration, and objects for their parameters."""

import re

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.urls import URLPattern, get_resolver
from django.utils import timezone

from segmentation import execution, services
from segmentation.engine.recipe import Inputs, Recipe
from segmentation.models import Image, PeriodicTask, Run
from tests import factories

_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>|\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)")


def routes():
    """Return all routes as in the URL configuration, for example `runs/<run_id>/binary.png`, without duplicates."""
    found = set()

    def walk(patterns, prefix):
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                found.add(_PARAMETER.sub(lambda match: f"<{match[1] or match[2]}>", route.replace("^", "")).rstrip("$"))
            else:
                walk(pattern.url_patterns, route)

    walk(get_resolver().url_patterns, "")
    return sorted(found)


def parameters(route):
    return re.findall(r"<(\w+)>", route)


def is_private(route):
    """Return whether an address belongs to an image or run of a person."""
    return not route.startswith("admin/") and bool({"image_id", "run_id"} & set(parameters(route)))


def is_admin(route):
    return route.startswith("admin/")


class Things:
    """One object of each type, for the parameters of addresses.

    The run was done by a worker. It has a mask and an automatically chosen number of clusters, so that all its files exist.
    """

    def __init__(self, owner, worker):
        self.owner = owner
        self.image = factories.make_image(owner)
        mask = factories.make_mask(self.image)
        run = services.create_run(image=self.image, recipe=Recipe(n_clusters=None), inputs=Inputs(mask=mask))
        execution.serve_until_empty()
        self.run = Run.objects.select_related("job", "image", "result").get(pk=run.pk)
        assert self.run.succeeded
        group, _ = owner.groups.get_or_create(name="readers")
        email = owner.emailaddress_set.create(email="owner@example.org", primary=True, verified=True)
        task, _ = PeriodicTask.objects.get_or_create(
            name=PeriodicTask._meta.get_field("name").choices[0][0], defaults={"due": timezone.now()}
        )
        self._objects = {"image": self.image, "run": self.run, "user": owner, "worker": worker}
        LogEntry.objects.log_actions(owner.pk, [self.image], CHANGE, "Changed.", single_object=True)
        self._objects |= {
            "group": group,
            "emailaddress": email,
            "periodictask": task,
            "logentry": LogEntry.objects.latest("pk"),
        }
        self._values = {
            "image_id": self.image.pk,
            "run_id": self.run.pk,
            "part": 1,
            "id": owner.pk,
            "content_type_id": ContentType.objects.get_for_model(Image).pk,
            "name": "china",
            "app_label": "segmentation",
            "url": "nothing",
            "uidb36": "1",
            "key": "set-password",
        }

    def address(self, route):
        """Return a route with the objects as parameters; raises KeyError for a parameter without an object."""
        values = dict(self._values)
        model = re.match(r"admin/\w+/(\w+)/<object_id>", route)
        if model:
            values["object_id"] = self._objects[model[1]].pk
        elif route.startswith("admin/r/"):
            values["object_id"] = self.image.pk
        address = "/" + re.sub(r"<(\w+)>", lambda match: str(values[match[1]]), route)
        return f"{address}?x=0&y=0" if address.endswith("/at") else address
