import hashlib
import json
import os
import time
import uuid

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from segmentation import execution, files, services, upkeep
from segmentation.models import Image, Job, JobOutput, Run
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

DAY = 86_400


def age(media_root, key, seconds=DAY + 60):
    """Let a stored file look as old as it would be."""
    then = time.time() - seconds
    os.utime(media_root / key, (then, then))


@pytest.fixture
def old(media_root):
    """Store a file under a key, a day ago."""

    def old(key, content=b"left behind"):
        files.put(key, content)
        age(media_root, key)
        return key

    return old


def everything(media_root):
    return {str(path.relative_to(media_root)) for path in media_root.rglob("*") if path.is_file()}


def test_what_belongs_to_a_row_stays_however_old(finished_run, media_root):
    before = everything(media_root)
    assert len(before) == 7
    for key in before:
        age(media_root, key)
    report = upkeep.sweep_files(verify=True)
    assert everything(media_root) == before
    assert (report.kept, report.removed.count, report.is_sound) == (7, 0, True)
    assert report.kept_bytes == sum((media_root / key).stat().st_size for key in before)


def test_what_lost_its_row_goes(finished_run, media_root, old):
    kept = everything(media_root)
    result = finished_run.result
    orphans = {
        old(files.image_key(uuid.uuid4(), "original")),
        old(files.run_key(uuid.uuid4(), uuid.uuid4(), "components.png")),
        old(files.run_key(finished_run.pk, uuid.uuid4(), "components.png")),
        old(files.run_key(finished_run.pk, result.lease, f".fit.npz.{uuid.uuid4().hex}")),
        old(files.image_key(finished_run.image_id, f".display.{uuid.uuid4().hex}")),
        old(f"{files.run_prefix(finished_run.pk)}/inputs/{'0' * 64}.png"),
        old("incoming/tmpabc.upload.png"),
        old("clock/probe"),
    }
    report = upkeep.sweep_files()
    assert everything(media_root) == kept
    assert set(report.removed.named) == orphans
    assert report.removed_bytes == len(orphans) * len(b"left behind")


def test_folders_that_have_been_empty_for_a_day_go(image, media_root):
    for name in (uuid.uuid4(), uuid.uuid4()):
        (media_root / "images" / str(name)).mkdir()
    age(media_root, f"images/{name}")
    upkeep.sweep_files()
    assert not (media_root / "images" / str(name)).exists()
    assert len(list((media_root / "images").iterdir())) == 2


def test_younger_orphans_stay_since_their_row_may_still_come(finished_run, media_root):
    young = [files.image_key(uuid.uuid4(), "original"), files.run_key(finished_run.pk, uuid.uuid4(), "fit.npz")]
    for key in young:
        files.put(key, b"on its way")
        age(media_root, key, DAY - 600)
    assert upkeep.sweep_files().removed.count == 0
    assert all(files.exists(key) for key in young)


def test_a_running_attempt_keeps_its_files_and_a_former_one_does_not(queued_run, worker_row, old):
    former = old(files.run_key(queued_run.pk, uuid.uuid4(), "components.png"))
    lease = Job.objects.claim(queued_run.pk, worker_id=worker_row.pk)
    current = old(files.run_key(queued_run.pk, lease, "components.png"))
    draft = old(files.run_key(queued_run.pk, lease, ".binary.png.0123"))
    assert upkeep.sweep_files().removed.named == [former]
    assert files.exists(current)
    assert files.exists(draft)


def test_pictures_that_earlier_releases_have_made_of_a_result_go(finished_run, old):
    """They were stored beside the masters; such files now come from the cache."""
    lease = finished_run.result.lease
    names = ("binary.1.png", "labels.png", "novelty.png", "regions.2.json", "segmented.1.png", "thumbnail.2")
    keys = [old(files.run_key(finished_run.pk, lease, name)) for name in names]
    assert upkeep.sweep_files().removed.named == keys
    assert upkeep.sweep_files().is_sound


def test_cached_files_stay_however_old(finished_run, owner, media_root):
    services.edit_legend(run=finished_run, author=owner, expected=0, foreground={0: True})
    services.open_artefact(run=finished_run, name="binary").close()
    cached = {key for key in everything(media_root) if key.startswith("cache/")}
    for key in cached:
        age(media_root, key)
    assert upkeep.sweep_files().removed.count == 0
    assert len(cached) == 1
    assert cached < everything(media_root)


def test_a_mask_that_a_run_names_stays_and_is_verified_and_others_go(queued_run, old, media_root):
    sha256 = hashlib.sha256(b"mask").hexdigest()
    Run.objects.filter(pk=queued_run.pk).update(inputs={"schema": 2, "mask": sha256})
    prefix = f"runs/{queued_run.pk}/inputs"
    mask, other = old(f"{prefix}/{sha256}.png", b"mask"), old(f"{prefix}/{'1' * 64}.png")
    report = upkeep.sweep_files(verify=True)
    assert (report.removed.named, report.is_sound) == ([other], True)
    (media_root / mask).write_bytes(b"mesk")
    assert upkeep.sweep_files(verify=True).altered.named == [mask]
    files.delete(mask)
    assert upkeep.sweep_files().missing.named == [mask]


def test_an_image_in_the_trash_keeps_its_files(image, media_root):
    Image.objects.update(trashed=timezone.now())
    for key in everything(media_root):
        age(media_root, key)
    assert upkeep.sweep_files().removed.count == 0


def test_what_is_not_ours_is_named_and_left_alone(media_root, old, transactional_db):
    foreign = {old("images/holiday.jpg"), old("runs/README/notes.txt")}
    report = upkeep.sweep_files()
    assert set(report.unknown.named) == foreign
    assert all(files.exists(key) for key in foreign)


@pytest.mark.parametrize("name", ["original", "display", "thumbnail"])
def test_a_missing_file_of_an_image_is_named(image, name):
    key = files.image_key(image.pk, name)
    files.delete(key)
    report = upkeep.sweep_files()
    assert (report.missing.named, report.altered.count, report.is_sound) == ([key], 0, False)


def test_a_row_without_any_folder_misses_all_its_files(finished_run):
    files.delete_prefix("runs")
    assert upkeep.sweep_files().missing.count == len(finished_run.result.files) == 4


def test_a_file_cut_short_is_found_by_its_size_and_one_changed_in_place_by_reading(finished_run, media_root):
    cut, changed = (finished_run.result.files[name]["key"] for name in ("fit.npz", "components.png"))
    os.truncate(media_root / cut, 10)
    data = bytearray((media_root / changed).read_bytes())
    data[len(data) // 2] ^= 1
    (media_root / changed).write_bytes(data)
    assert upkeep.sweep_files().altered.named == [cut]
    assert set(upkeep.sweep_files(verify=True).altered.named) == {cut, changed}


def test_reading_verifies_originals_too(image, media_root):
    key = files.image_key(image.pk, "original")
    data = (media_root / key).read_bytes()
    (media_root / key).write_bytes(data[:-1] + b"\0" if data[-1] else data[:-1] + b"\1")
    assert upkeep.sweep_files().is_sound
    assert upkeep.sweep_files(verify=True).altered.named == [key]


def test_many_rows_and_folders_are_paired_over_all_chunks(finished_run, owner, media_root, monkeypatch, old):
    """Rows in small chunks beside folders in another number: none is missed, none is taken for an orphan."""
    monkeypatch.setattr("segmentation.upkeep.row_files.CHUNK", 3)
    data = factories.encoded(factories.pixels(8, 8))
    images = [factories.make_image(owner, data) for _ in range(10)]
    orphans = {old(files.image_key(uuid.uuid4(), "original")) for _ in range(10)}
    lost = files.image_key(images[4].pk, "thumbnail")
    files.delete(lost)
    report = upkeep.sweep_files()
    assert set(report.removed.named) == orphans
    assert report.missing.named == [lost]
    assert report.kept == 7 + 10 * 3 - 1


def test_a_row_that_comes_between_listing_and_removal_saves_its_files(image, media_root, monkeypatch):
    """The listing is outdated: the row at the time of the deletion decides."""
    for key in everything(media_root):
        age(media_root, key)
    row = Image.objects.values().get()
    listed = files.walk

    def walk(prefix):
        yield from listed(prefix)
        if prefix == "images":
            Image.objects.create(**row)

    Image.objects.filter(pk=image.pk)._raw_delete("default")
    monkeypatch.setattr(files, "walk", walk)
    report = upkeep.sweep_files()
    assert (report.removed.count, report.missing.count) == (0, 0)
    assert files.exists(files.image_key(image.pk, "original"))


def test_age_goes_by_the_clock_of_the_storage(media_root, old, monkeypatch, transactional_db):
    """A worker whose clock is two days ahead must not take what came in just now for old."""
    key = files.image_key(uuid.uuid4(), "original")
    files.put(key, b"just now")
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 2 * DAY)
    assert upkeep.sweep_files().removed.count == 0
    assert files.exists(key)


def test_a_dry_run_says_the_same_and_removes_nothing(old, capsys, transactional_db):
    key = old(files.image_key(uuid.uuid4(), "original"))
    call_command("sweepfiles", dry_run=True)
    assert f"would be removed: {key}" in capsys.readouterr().out
    assert files.exists(key)
    call_command("sweepfiles")
    assert (
        "0 files kept (0\N{NARROW NO-BREAK SPACE}kB), 0 in the cache (0\N{NARROW NO-BREAK SPACE}kB), 1 removed"
        in capsys.readouterr().out
    )
    assert not files.exists(key)


def test_the_command_fails_when_something_is_missing(image, capsys):
    call_command("sweepfiles", verify=True)
    assert "3 files kept" in capsys.readouterr().out
    files.delete(files.image_key(image.pk, "original"))
    with pytest.raises(CommandError):
        call_command("sweepfiles", json=True)
    report = json.loads(capsys.readouterr().out)
    assert report["missing"] == {"count": 1, "keys": [files.image_key(image.pk, "original")]}
    assert report["kept"]["count"] == 2


def test_storage_that_does_not_answer_is_said_in_a_sentence(settings, media_root, transactional_db):
    settings.MEDIA_ROOT = media_root / "file"
    settings.MEDIA_ROOT.touch()
    with pytest.raises(CommandError, match="does not answer"):
        call_command("sweepfiles")


def test_archives_of_people_stay_and_those_of_forgotten_attempts_go(owner, media_root, media):
    """Also what a release has left that deleted the job and does not know the table."""
    kept_job, gone_job = factories.make_archive(owner), factories.make_archive(factories.make_user("gone"))
    execution.serve_until_empty()
    (kept,) = media.keys(files.output_prefix(kept_job.pk))
    orphan = f"{files.output_prefix(kept_job.pk)}/{uuid.uuid4()}/archive.zip"
    files.put(orphan, b"of an attempt that nobody knows any more")
    Job.objects.filter(pk=gone_job.pk)._raw_delete("default")
    for key in media.keys("outputs"):
        age(media_root, key)
    assert upkeep.sweep_files(verify=True).is_sound
    assert media.keys("outputs") == [kept]
    assert list(JobOutput.objects.values_list("pk", flat=True)) == [kept_job.pk]
