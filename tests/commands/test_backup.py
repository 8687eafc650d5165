import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import threading
import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F
from django.utils import timezone

from segmentation import backup, files, services, upkeep
from segmentation.models import Image, Job, JobOutput, PeriodicTask, Result, Run, User, Worker
from segmentation.models.jobs import State
from tests import factories
from tests.commands.sites import Site, state

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def site(finished_run, staff, stranger, worker_row, owner):
    """A site with rows in every table: permissions, an e-mail address, an edited legend, a running run."""
    group = Group.objects.create(name="reviewers")
    group.permissions.set(Permission.objects.filter(codename="view_run"))
    stranger.groups.add(group)
    owner.emailaddress_set.create(email="owner@example.org", primary=True, verified=True)
    services.edit_legend(run=finished_run, author=owner, expected=0, foreground={0: True})
    running, _waiting = (factories.make_run(finished_run.image, n_clusters=number) for number in (4, 5))
    Job.objects.claim(running.pk, worker_id=worker_row.pk)
    Worker.objects.update(seen=F("seen") - timedelta(hours=1))
    PeriodicTask.objects.create(name="files", due=timezone.now())
    return finished_run


@pytest.fixture
def archive(site, tmp_path):
    path = tmp_path / "site.tar"
    call_command("backup", path)
    return path


@pytest.fixture(scope="session")
def migrated(tmp_path_factory):
    """An empty database, made once."""
    site = Site(tmp_path_factory.mktemp("migrated"))
    site.manage("migrate", "--verbosity", "0")
    return site.folder / "site.sqlite3"


@pytest.fixture
def other(tmp_path, migrated):
    """Another site, migrated and empty."""
    other = Site(tmp_path / "other")
    shutil.copy(migrated, other.folder)
    return other


def stored(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def members(path):
    with tarfile.open(path) as tar:
        return {info.name: tar.extractfile(info).read() for info in tar}


def write_members(path, parts):
    with tarfile.open(path, "w") as tar:
        for name, data in parts.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def test_a_site_comes_back_row_by_row_and_byte_by_byte(archive, other, media_root):
    done = other.manage("restore", archive)
    assert "files are back" in done.stdout
    assert stored(other.media) == stored(media_root)
    before, after = state(), other.state()
    jobs, jobs_after = (
        {job["id"]: job for job in map(json.loads, state.pop("segmentation.job"))} for state in (before, after)
    )
    assert after == before
    assert len(before["rights"]) > 20
    fresh = {"state": "queued", "lease": None, "lease_until": None, "started": None, "attempt": 0}
    for key, job in jobs.items():
        assert jobs_after[key] == job | {"worker_id": None} | (fresh if job["state"] == "running" else {})
    assert other.manage("sweepfiles", "--verify").stdout.startswith("7 files kept")


def test_a_restored_site_goes_on(archive, other):
    """Waiting runs are executed, and new rows get new ids."""
    other.manage("restore", archive)
    done = other.manage("shell", "--no-imports", given="""
from segmentation import execution
from segmentation.models import Job, Revision, User
execution.serve_until_empty()
print(sorted(Job.objects.values_list("state", flat=True)))
print(User.objects.create_user("new").pk > max(User.objects.exclude(username="new").values_list("pk", flat=True)))
""")  # fmt: skip
    assert done.stdout.splitlines() == ["['succeeded', 'succeeded', 'succeeded']", "True"], done.stderr


def test_the_archive_is_private_and_other_programs_can_check_it(archive, tmp_path):
    assert archive.stat().st_mode & 0o777 == 0o600
    subprocess.run(["tar", "-xf", archive, "-C", tmp_path], check=True)
    checked = subprocess.run(
        ["sha256sum", "--check", "--quiet", "files.sha256"], cwd=tmp_path, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout) == (0, b"")
    assert len((tmp_path / "files.sha256").read_text().splitlines()) == 7
    rows = gzip.decompress((tmp_path / "rows/segmentation.image.jsonl.gz").read_bytes()).splitlines()
    assert [json.loads(row)["fields"]["name"] for row in rows] == ["phantom.png"]
    assert [path for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_archives_of_people_are_left_out_and_make_room_for_what_is_restored(site, owner, tmp_path, media):
    services.create_archive(owner=owner)
    job = Job.objects.get(kind="archive")
    key = f"{files.output_prefix(job.pk)}/{uuid.uuid4()}/archive.zip"
    files.put(key, b"everything that is mine")
    JobOutput.objects.update(key=key)
    call_command("backup", tmp_path / "site.tar")
    parts = members(tmp_path / "site.tar")
    assert str(job.pk).encode() not in gzip.decompress(parts["rows/segmentation.job.jsonl.gz"])
    assert not any("output" in name for name in parts)
    call_command("restore", tmp_path / "site.tar", replace=True)
    assert not JobOutput.objects.exists()
    assert not Job.objects.filter(kind="archive").exists()


def test_moments_keep_their_microseconds(archive):
    rows = gzip.decompress(members(archive)["rows/segmentation.image.jsonl.gz"]).splitlines()
    assert json.loads(rows[0])["fields"]["created"] == Image.objects.get().created.isoformat()


def test_what_is_written_meanwhile_is_in_it_whole_or_not_at_all(site, owner, tmp_path):
    """Pictures are uploaded and deleted while backups are written; each backup restores to a consistent site."""
    stop = threading.Event()
    failures = []

    def use():
        try:
            data = factories.encoded(factories.pixels(16, 16))
            while not stop.is_set():
                image = factories.make_image(owner, data)
                factories.make_run(image)
                services.delete_image(image=image)
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below
            failures.append(error)
        finally:
            connection.close()

    person = threading.Thread(target=use)
    person.start()
    try:
        paths = [tmp_path / f"{number}.tar" for number in range(3)]
        for path in paths:
            backup.write(path)
    finally:
        stop.set()
        person.join()
    assert failures == []
    for path in paths:
        call_command("restore", path, replace=True)
        call_command("sweepfiles", verify=True)
        assert Run.objects.count() >= 3


def test_writers_do_not_wait_for_a_backup(site, owner, tmp_path, monkeypatch):
    written = []
    dump = backup.writing.rows.dump

    def dump_while_somebody_writes(model, target):
        def write():
            User.objects.create_user(f"meanwhile-{len(written)}")
            connection.close()

        writer = threading.Thread(target=write)
        writer.start()
        writer.join(timeout=5)
        written.append(not writer.is_alive())
        return dump(model, target)

    monkeypatch.setattr(backup.writing.rows, "dump", dump_while_somebody_writes)
    done = backup.write(tmp_path / "site.tar")
    assert len(written) > 5
    assert all(written)
    assert done.manifest.rows["segmentation.user"].count == 3


def test_a_row_deleted_while_files_are_copied_is_left_out(site, tmp_path, stranger, media_root):
    factories.make_image(stranger)
    while (last := max(Image.objects.values_list("pk", flat=True))) == site.image_id:
        factories.make_image(stranger)

    def delete_what_comes_last(_size):
        Image.objects.filter(pk=last).delete()

    done = backup.write(tmp_path / "site.tar", on_bytes=delete_what_comes_last)
    assert done.manifest.deleted == {"segmentation.image": [str(last)]}
    assert done.missing.count == 0
    call_command("restore", tmp_path / "site.tar", replace=True)
    assert Image.objects.filter(pk=site.image_id).exists()
    assert not Image.objects.filter(pk=last).exists()
    assert not (media_root / "images" / str(last)).exists()
    call_command("sweepfiles", verify=True)


def test_what_can_be_made_again_and_masks_without_a_run_are_left_out_and_the_figures_stay_true(
    site, owner, tmp_path, media_root
):
    services.open_artefact(run=site, name="novelty").close()
    factories.make_mask(site.image)
    call_command("backup", tmp_path / "site.tar")
    assert not any("cache/" in name or "/masks/" in name for name in members(tmp_path / "site.tar"))
    for folder in media_root.iterdir():
        shutil.rmtree(folder)
    call_command("restore", tmp_path / "site.tar", replace=True)
    upkeep.record_sizes()
    assert services.usage(owner=owner).bytes == sum(
        path.stat().st_size for path in media_root.rglob("*") if path.is_file()
    )
    services.open_artefact(run=site, name="novelty").close()
    call_command("sweepfiles", verify=True)


def test_a_site_that_has_lost_a_file_is_backed_up_and_told(site, tmp_path):
    files.delete(files.image_key(site.image_id, "thumbnail"))
    with pytest.raises(CommandError, match="1 files that should be there are missing"):
        call_command("backup", tmp_path / "site.tar")
    assert "manifest.json" in members(tmp_path / "site.tar")


def test_a_backup_that_cannot_be_written_leaves_the_former_one(archive, site, small_disk, media_root):
    """On a disk that is too small for it."""
    files.put(files.image_key(site.image_id, "original"), b"on the small disk")
    target = media_root / "site.tar"
    target.write_bytes(b"the former backup")
    Image.objects.update(metadata={"noise": "".join(uuid.uuid4().hex for _ in range(400_000))})
    with pytest.raises(CommandError, match="was not written"):
        call_command("backup", target)
    assert target.read_bytes() == b"the former backup"
    assert [path.name for path in media_root.iterdir() if path.name != "images"] == ["site.tar"]


# --- refusals: nothing is changed -----------------------------------------------------------------------------------------


def refused(path, match, **options):
    before = (list(User.objects.values()), list(Job.objects.order_by("pk").values()))
    with pytest.raises(CommandError, match=match):
        call_command("restore", path, **options)
    assert (list(User.objects.values()), list(Job.objects.order_by("pk").values())) == before


def test_a_database_that_is_not_empty_is_replaced_only_when_asked(archive, site, media_root):
    refused(archive, "not empty. With --replace")
    original = files.image_key(site.image_id, "original")
    content = files.read(original)
    User.objects.create_user("later")
    (media_root / original).write_bytes(b"altered")
    files.delete(files.image_key(site.image_id, "display"))
    services.delete_run(run=Run.objects.get(pk=site.pk))
    call_command("restore", archive, replace=True)
    assert not User.objects.filter(username="later").exists()
    assert files.read(original) == content
    assert Result.objects.get().run_id == site.pk
    assert set(Job.objects.values_list("state", flat=True)) == {State.SUCCEEDED, State.QUEUED}
    call_command("sweepfiles", verify=True)


def test_nothing_is_restored_under_a_worker_that_works(archive):
    Worker.objects.create(host="here", release="test", slots=1)
    refused(archive, "Stop the workers", replace=True)


@pytest.mark.parametrize("part", ["files/images", "rows/segmentation.user", "files.sha256"])
def test_one_changed_byte_anywhere_is_found_before_anything_is_changed(archive, part, media_root):
    data = bytearray(archive.read_bytes())
    name = next(name for name in members(archive) if name.startswith(part))
    with tarfile.open(archive) as tar:
        place = tar.getmember(name).offset_data
    data[place + 20] ^= 1
    archive.write_bytes(data)
    before = stored(media_root)
    refused(archive, "The backup is damaged", replace=True)
    assert stored(media_root) == before


def test_an_archive_that_was_cut_off_is_refused(archive):
    with tarfile.open(archive) as tar:
        manifest = tar.getmember("manifest.json").offset_data
    for kept in (manifest + 20, manifest // 2, 700, 0):
        os.truncate(archive, kept)
        refused(archive, "cut off|no backup", replace=True)


def test_parts_that_are_not_ours_are_refused(archive, tmp_path):
    parts = members(archive)
    evil = tmp_path / "evil.tar"
    for name in ("files/images/../../../etc/passwd", "files//etc/passwd", "files/static/site.js", "setup.py"):
        write_members(evil, {name: b"x", **parts})
        refused(evil, "none of ours|does not know", replace=True)
    for left_out in parts:
        write_members(evil, {name: data for name, data in parts.items() if name != left_out})
        refused(evil, "damaged|no manifest", replace=True)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"format": 2}, "form 2; this release reads form 1"),
        ({"migrations": {"segmentation": ["0001_initial", "0099_later"]}}, "lacking here: segmentation.0099_later"),
        ({"rows": None}, "no backup"),
        ({"files": {"count": 1}}, "no backup"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(archive, change, match, tmp_path):
    parts = members(archive)
    parts["manifest.json"] = json.dumps(json.loads(parts["manifest.json"]) | change).encode()
    write_members(tmp_path / "other.tar", parts)
    refused(tmp_path / "other.tar", match, replace=True)


def test_rows_that_do_not_fit_change_nothing(archive, tmp_path):
    """The rows of the last table fail, so those of the first tables are rolled back."""
    parts = members(archive)
    name = "rows/segmentation.revision.jsonl.gz"
    parts[name] = gzip.compress(gzip.decompress(parts[name]) * 2)
    manifest = json.loads(parts["manifest.json"])
    entry = manifest["rows"]["segmentation.revision"]
    entry.update(bytes=len(parts[name]), sha256=hashlib.sha256(parts[name]).hexdigest())
    parts["manifest.json"] = json.dumps(manifest).encode()
    write_members(tmp_path / "other.tar", parts)
    refused(tmp_path / "other.tar", "do not fit", replace=True)


def test_a_database_without_tables_is_told_what_to_do(archive, tmp_path):
    done = Site(tmp_path / "new").manage("restore", archive, check=False)
    assert done.returncode == 1
    assert "manage.py migrate" in done.stderr


def test_a_missing_file_is_named(tmp_path, transactional_db):
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("restore", tmp_path / "none.tar")
