"""Prints what a site shows, as JSON: figures of all runs, label maps, and the answers of its pages. Run with the site's settings."""

import hashlib
import json
import sys
import zipfile
from io import BytesIO

import django

django.setup()

import numpy as np
import PIL.Image
from django.conf import settings
from django.test import Client

from segmentation import execution, services, upkeep
from segmentation.engine.gmm.regions import Tree
from segmentation.models import Image, Run, User


def main():
    settings.ALLOWED_HOSTS = ["testserver"]
    if "--work" in sys.argv:
        execution.sweep()
        execution.serve_until_empty()
    report = {
        "runs": {str(run.pk): about(run) for run in Run.objects.select_related("job", "image", "result")},
        "artefacts": {
            str(run.pk): artefacts_of(run)
            for run in Run.objects.select_related("job", "image", "result")
            if run.succeeded
        },
        "trees": {str(run.pk): tree_of(run) for run in Run.objects.all() if run.succeeded and run.has_regions},
        "images": {str(image.pk): about_image(image) for image in Image.objects.all()},
        "users": {user.username: about_user(user) for user in User.objects.all()},
        "pages": dict(answers()),
        "with_a_size": dict(sized_runs()),
        "is_sound": upkeep.sweep_files(verify=True).is_sound,
    }
    if "--archive" in sys.argv:
        report["archive"] = archive_of(User.objects.get(username="owner"))
    sys.stdout.write(json.dumps(report))


def about(run):
    found = {"state": run.job.state, "image": str(run.image_id), "recipe": run.recipe, "revision": run.revision}
    if not run.succeeded:
        return found
    rows = services.stored_result(run=run).clusters
    names = ("name", "colour", "foreground", "components", "pixels", "share", "soft_pixels", "box")
    result = run.result
    return found | {
        "log_likelihood": result.log_likelihood,
        "iterations": result.iterations,
        "pixels_sha256": result.pixels_sha256,
        "clusters": [{name: getattr(row, name) for name in names} for row in rows],
        "foreground_share": services.stored_result(run=run).foreground_share,
        **{name: pixels_hash(run, name) for name in ("labels", "segmented", "binary")},
    }


def tree_of(run):
    """Return how many regions are cut from the stored tree of mergers, with its costs and their scale."""
    arrays = services.stored_result(run=run).fit
    tree = Tree(len(arrays["tree_areas"]), arrays["tree_merges"], arrays["tree_costs"])
    n_regions = len(run.result.mixture["weights"])
    return {
        "scale": str(arrays["tree_scale"]) if "tree_scale" in arrays else None,
        "costs": tree.costs.tolist(),
        "cost": tree.cost_at(n_regions),
        "regions": [n_regions, len(np.unique(tree.cut(n_regions)[arrays["tree_leaves"]]))],
    }


def artefacts_of(run):
    """Return the size of every file that can be made from a result, by name, and the document."""
    found = services.available_artefacts(run=run)
    sizes = {artefact.name: len(read(run, artefact.name)) for artefact in found}
    document = json.loads(read(run, "document")) if "document" in sizes else None
    return {"sizes": sizes, "document": document}


def read(run, name):
    content = services.open_artefact(run=run, name=name)
    if isinstance(content, bytes):
        return content
    with content:
        return content.read()


def pixels_hash(run, name):
    return hashlib.sha256(np.asarray(PIL.Image.open(BytesIO(read(run, name)))).tobytes()).hexdigest()


def about_image(image):
    names = ("name", "width", "height", "bands", "dtype", "format", "sha256")
    sentences = [str((code, sentence)) for code, sentence in services.image_notices(image=image)]
    return {name: getattr(image, name) for name in names} | {"owner": image.owner.username, "notices": sentences}


def archive_of(user):
    """Return the names of the files of each result in the archive of a person's data, and its `run.json`."""
    services.create_archive(owner=user)
    execution.serve_until_empty()
    with (
        services.open_archive(archive=services.ready_archive(owner=user)) as file,
        zipfile.ZipFile(file) as archive,
    ):
        pictures = {
            name.rpartition("/")[0]: json.loads(archive.read(name))
            for name in archive.namelist()
            if name.endswith("/picture.json")
        }
        folders = {
            run["id"]: f"{folder}/{run['folder']}/"
            for folder, picture in pictures.items()
            for run in picture["runs"]
            if run["folder"]
        }
        names = archive.namelist()
        return {
            key: {
                "names": [name.removeprefix(folder) for name in names if name.startswith(folder)],
                "document": json.loads(archive.read(f"{folder}run.json")) if f"{folder}run.json" in names else None,
            }
            for key, folder in folders.items()
        }


def about_user(user):
    return {
        "images": Image.objects.filter(owner=user).count(),
        "runs": Run.objects.owned_by(user).count(),
        "active": user.is_active,
        "staff": user.is_staff,
        "superuser": user.is_superuser,
    }


def sized_runs():
    """Give each picture of a person a size of its pixels; yield of each result the unit and the areas that the API then tells."""
    client = Client()
    client.force_login(User.objects.get(username="owner"))
    for image in Image.objects.filter(owner__username="owner"):
        address, body = f"/api/v1/images/{image.pk}", {"pixel_size": {"width": 2, "height": 2, "unit": "um"}}
        described = client.get(address).json()
        assert described["selection"] == {"series": 0, "z": 0, "t": 0, "channels": None}
        assert described["axes"] is described["pixel_size"] is described["georeference"] is None
        assert client.patch(address, body, content_type="application/json").json()["pixel_size"]["source"] == "person"
        for run in image.runs.filter(job__state="succeeded"):
            found = client.get(f"/api/v1/runs/{run.pk}").json()
            yield str(run.pk), {"unit": found["area"]["unit"], "areas": [one["area"] for one in found["clusters"]]}
        client.patch(address, {"pixel_size": None}, content_type="application/json")


def answers():
    """Yield each page of the pictures and runs of a person, and the status that it answers with."""
    client = Client()
    client.force_login(User.objects.get(username="owner"))
    paths = ["/", "/history/", "/account/"]
    paths += [image.get_absolute_url() for image in Image.objects.filter(owner__username="owner")]
    paths += [run.get_absolute_url() for run in Run.objects.filter(job__owner__username="owner")]
    for path in paths:
        yield path, client.get(path).status_code


if __name__ == "__main__":
    main()
