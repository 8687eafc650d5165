import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from segmentation.models import Image, Job, Result, Revision, Run
from tests import factories


@pytest.fixture
def admin(client, staff):
    """Return a browser of a member of staff with all permissions."""
    client.force_login(staff)
    return client


@pytest.fixture
def staff_with(transactional_db, client):
    """Return a function that signs in a member of staff with the named permissions only: `staff_with("view_run")`."""

    def sign_in(*codenames):
        person = factories.make_user(f"staff-{len(codenames)}-{uuid.uuid4().hex[:4]}", is_staff=True)
        person.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(person)
        return client

    return sign_in


def image_row(owner, **fields):
    """Make the row of an image that has no files."""
    standard = {"name": "row.png", "sha256": "0" * 64, "bytes": 1000, "format": "png", "width": 48, "height": 36}
    types = {"bands": 3, "dtype": "uint8", "display_type": "image/png", "thumbnail_type": "image/webp"}
    return Image(owner=owner, **{**standard, **types, **fields})


def make_images(*images):
    return Image.objects.bulk_create(images)


def make_runs(image, count=1, *, state="queued", age=timedelta(0), n_clusters=3):
    """Make rows of runs without results, created one minute apart, the newest first."""
    now = timezone.now() - age
    jobs = []
    for number in range(count):
        moment = now - timedelta(minutes=number)
        job = Job(owner=image.owner, state=state, created=moment, queued=moment)
        if state in {"failed", "cancelled", "succeeded"}:
            job.started, job.finished = moment, moment + timedelta(seconds=2)
        if state == "running":
            job.lease, job.started, job.percent = uuid.uuid4(), moment, 58
        if state == "failed":
            job.error_code, job.error_detail = "out_of_memory", "It needed more memory than it may take."
        jobs.append(job)
    Job.objects.bulk_create(jobs)
    recipe = {"schema": 1, "n_clusters": n_clusters, "seed": 0}
    runs = [Run(job=job, image=image, recipe=recipe, inputs={}, n_clusters=n_clusters) for job in jobs]
    return Run.objects.bulk_create(runs)


def copy_result(run, other):
    """Copy the result of another run to a run that is only a row."""
    result = Result.objects.get(pk=run.pk)
    result.pk, result.run = other.pk, other
    result.save(force_insert=True)
    Revision.objects.create(run=other, number=0, legend=run.revisions.get(number=0).legend)
