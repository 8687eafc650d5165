"""From PostgreSQL and S3 to SQLite and a folder, and back. `scripts/services.py` starts what this needs."""

import json
import shutil
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db import connection

from segmentation import files, services, upkeep
from segmentation.models import Job, Run, User
from tests import factories
from tests.commands.sites import Site, state

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def site(finished_run, stranger, staff, owner):
    group = Group.objects.create(name="reviewers")
    group.permissions.set(Permission.objects.filter(codename="view_run"))
    stranger.groups.add(group)
    owner.emailaddress_set.create(email="owner@example.org", primary=True, verified=True)
    services.edit_legend(run=finished_run, author=owner, expected=0, foreground={0: True})
    factories.make_run(finished_run.image, n_clusters=5)
    return finished_run


def comparable(rows):
    """Return rows without what a backup does not hold (the worker of a job), with JSON objects in a canonical order."""
    jobs = [json.loads(row) | {"worker_id": None} for row in rows["segmentation.job"]]
    return rows | {"segmentation.job": sorted(json.dumps(job, sort_keys=True) for job in jobs)}


def test_a_site_goes_from_postgresql_and_s3_to_sqlite_and_a_folder_and_back(site, tmp_path, media):
    assert connection.vendor == "postgresql"
    before, keys = comparable(state()), media.keys()
    contents = {key: files.read(key) for key in keys if not key.startswith("clock")}
    call_command("backup", tmp_path / "there.tar")

    other = Site(tmp_path / "other")
    other.manage("migrate", "--verbosity", "0")
    other.manage("restore", tmp_path / "there.tar")
    assert comparable(other.state()) == before
    assert {key: (other.media / key).read_bytes() for key in contents} == contents
    other.manage("backup", tmp_path / "back.tar")

    User.objects.create_user("later")
    files.delete(files.image_key(site.image_id, "display"))
    call_command("restore", tmp_path / "back.tar", replace=True)
    assert comparable(state()) == before
    assert {key: files.read(key) for key in contents} == contents
    assert User.objects.create_user("new").pk > User.objects.get(username="owner").pk
    factories.make_run(Run.objects.get(pk=site.pk).image)
    assert Job.objects.queued().count() == 2
    shutil.rmtree(other.folder)


def test_the_sweep_knows_orphans_from_masters_on_s3(site, media, monkeypatch):
    monkeypatch.setattr("segmentation.upkeep.files.GRACE", -timedelta(minutes=1))  # as if a day had passed
    kept = media.keys()
    orphans = ["images/00000000-0000-4000-8000-000000000000/original", f"runs/{site.pk}/old/fit.npz"]
    for key in orphans:
        files.put(key, b"left behind")
    report = upkeep.sweep_files(verify=True)
    assert (report.removed.named, report.missing.count, report.altered.count) == (orphans, 0, 0)
    assert media.keys() == kept
    lost = files.image_key(site.image_id, "thumbnail")
    media.replace(files.image_key(site.image_id, "original"), b"altered")
    files.delete(lost)
    report = upkeep.sweep_files()
    assert report.missing.named == [lost]
    assert report.altered.named == [files.image_key(site.image_id, "original")]
