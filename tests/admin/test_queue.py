"""The Queue page, with rows whose figures are known."""

import re
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from segmentation import services
from segmentation.models import Image, Job, PeriodicTask, Worker
from tests.admin.conftest import copy_result, image_row, make_runs

pytestmark = pytest.mark.django_db(transaction=True)
ADDRESS = "/admin/segmentation/worker/queue/"


def text_of(browser):
    answer = browser.get(ADDRESS)
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split()).replace("\N{NARROW NO-BREAK SPACE}", " ")


def give(run, worker, *, heartbeat_age=0.0, since=6.0, **fields):
    """Make a worker with a run, whose last heartbeat was `heartbeat_age` seconds ago."""
    now = timezone.now()
    Job.objects.filter(pk=run.pk).update(
        state="running",
        lease=uuid.uuid4(),
        lease_until=now + timedelta(seconds=30 - heartbeat_age),
        started=now - timedelta(seconds=since),
        worker=worker,
        stage="fitting",
        percent=58,
        **fields,
    )
    Worker.objects.filter(pk=worker.pk).update(seen=now - timedelta(seconds=heartbeat_age))


def test_who_may_look_at_workers_may_look_at_the_queue_and_nobody_else(client, staff_with, stranger):
    assert staff_with("view_worker").get(ADDRESS).status_code == 200
    assert staff_with("view_run").get(ADDRESS).status_code == 403
    for person in (None, stranger):
        client.logout()
        if person:
            client.force_login(person)
        assert client.get(ADDRESS).status_code == 302


def test_the_head_of_every_page_leads_to_it_for_those_who_may(staff_with):
    assert ADDRESS in staff_with("view_worker").get("/admin/").content.decode()
    assert ADDRESS not in staff_with("view_run").get("/admin/").content.decode()


def test_an_empty_site_says_what_is_missing(admin):
    text = text_of(admin)
    assert "No worker is running. 0 runs wait for one. Start manage.py worker." in text
    assert "Waiting 0 the queue is empty" in text
    assert "no run has ended" in text
    assert "Runs stay in the queue and start as soon as a worker does." in text


def test_what_waits_runs_and_failed_is_counted(admin, image, worker_row, finished_run):
    make_runs(image, 4, state="queued", age=timedelta(seconds=65))
    failed = make_runs(image, 1, state="failed")
    copy_result(finished_run, make_runs(image, 1, state="succeeded")[0])
    give(make_runs(image, 1)[0], worker_row)
    text = text_of(admin)
    assert re.search(r"Waiting 4 longest wait 4 min (0[5-9]|[1-5]\d) s; about [\d.]+ s of work", text)
    assert "Running 1 of 2 + 0 slots" in text
    assert "33.3 % 1 of 3 runs" in text
    assert "out_of_memory 1" in text
    assert "This picture needs more memory than a run may take" in text
    assert "Fit the mixture" in text.partition("Last 24 hours")[0]
    assert "58 %" in text
    assert failed[0].job.error_code == "out_of_memory"


def test_a_worker_without_heartbeat_is_named_with_the_fate_of_its_run(admin, image, worker_row):
    give(make_runs(image)[0], worker_row, heartbeat_age=20)
    text = text_of(admin)
    assert re.search(rf"here, {str(worker_row.pk)[:8]} has sent no heartbeat for 2\d s\.", text)
    assert re.search(
        r"Its run goes back to the queue in ([1-9]\.\d|10) s and starts again elsewhere\. Nothing is lost\.", text
    )
    assert "one worker sends no heartbeat" in text


def test_a_worker_whose_run_has_a_heartbeat_is_not_reported(admin, image, worker_row):
    give(make_runs(image)[0], worker_row)
    Worker.objects.update(seen=timezone.now() - timedelta(seconds=25))
    assert "no heartbeat" not in text_of(admin).lower()


def test_a_worker_that_was_told_to_stop_is_leaving_until_its_run_is_done(admin, image, worker_row):
    Worker.objects.create(host="there", release="test", slots=1)
    give(make_runs(image)[0], worker_row)
    Worker.objects.mark_stopping(worker_row.pk)
    text = text_of(admin)
    assert "Stopping after this run" in text
    assert "All workers are stopping" not in text


def test_when_all_workers_stop_waiting_runs_need_a_new_one(admin, image, worker_row):
    make_runs(image, 2, state="queued")
    Worker.objects.mark_stopping(worker_row.pk)
    text = text_of(admin)
    assert "All workers are stopping. 2 runs wait for a new one." in text
    assert "Stopping" in text.partition("Last 24 hours")[0]


def test_a_stopping_worker_without_heartbeat_is_reported(admin, image, worker_row):
    Worker.objects.mark_stopping(worker_row.pk)
    give(make_runs(image)[0], worker_row, heartbeat_age=20)
    text = text_of(admin)
    assert "No heartbeat" in text
    assert "Stopping after this run" not in text


GB = 10**9


@pytest.fixture
def disk(monkeypatch):
    """Simulate a disk of 250 GB with 60 GB free."""
    monkeypatch.setattr("segmentation.files.space_left", lambda: (60 * GB, 250 * GB))


def age(image, days):
    Image.objects.filter(pk=image.pk).update(created=timezone.now() - timedelta(days=days))


def test_the_room_lasts_as_long_as_the_last_week_says(admin, owner, image, disk):
    age(image, 30)
    for day, size in ((3, 6 * GB), (6, 8 * GB)):
        new = image_row(owner, bytes=size, created=timezone.now() - timedelta(days=day))
        new.save()
    text = text_of(admin)
    assert "60 GB of 250 GB; lasts about 4 weeks" in text
    assert "grew by 2 GB a day over the last week" in text
    assert "Results" not in text


def test_what_results_take_beside_each_original_counts_too(owner, image, disk):
    image_row(owner, bytes=14 * GB, created=timezone.now() - timedelta(days=2)).save()
    age(image, 30)
    PeriodicTask.objects.create(name="files", due=timezone.now(), report={"kept": {"count": 9, "bytes": 21 * GB}})
    room = services.storage()
    assert room.results == pytest.approx(7 * GB, rel=1e-3)
    assert room.growth == pytest.approx(3 * GB, rel=1e-3)
    assert room.days_left == pytest.approx(20, rel=1e-3)


def test_a_young_site_has_grown_in_as_many_days_as_it_is_old_but_one_at_least(owner, transactional_db, disk):
    image_row(owner, bytes=4 * GB, created=timezone.now() - timedelta(days=2)).save()
    assert services.storage().growth == pytest.approx(2 * GB, rel=1e-3)


def test_an_hour_is_not_taken_for_a_day(owner, transactional_db, disk):
    image_row(owner, bytes=4 * GB, created=timezone.now() - timedelta(hours=1)).save()
    assert services.storage().growth == pytest.approx(4 * GB)


def test_nothing_is_foretold_where_nothing_came_or_the_storage_has_no_end(admin, image, disk, monkeypatch):
    age(image, 8)
    assert services.storage().days_left is None
    text = text_of(admin)
    assert "of 250 GB " in text
    assert "about" not in text
    assert "over the last week" not in text
    monkeypatch.setattr("segmentation.files.space_left", lambda: None)
    assert services.storage().days_left is None


def test_pictures_and_names_are_shown_only_to_those_who_may_see_runs(staff_with, image, worker_row):
    run = make_runs(image)[0]
    give(run, worker_row)
    everything = staff_with("view_worker", "view_run", "view_image").get(ADDRESS).content.decode()
    assert image.name in everything
    assert f"/images/{image.pk}/thumbnail" in everything
    little = staff_with("view_worker").get(ADDRESS).content.decode()
    assert image.name not in little
    assert str(image.pk) not in little
    assert str(run.pk)[:8] in little


@pytest.mark.parametrize("count", [1, 3])
def test_it_costs_a_constant_number_of_queries(admin, image, count, django_assert_num_queries):
    for number in range(count):
        worker = Worker.objects.create(host=f"host-{number}", release="test", slots=2)
        give(make_runs(image)[0], worker)
        make_runs(image, state="succeeded")
        make_runs(image, state="failed")
    admin.get(ADDRESS)  # the sizes of the originals are remembered from here on
    with django_assert_num_queries(11):
        text = admin.get(ADDRESS).content.decode()
    assert text.count("field-progress") == count


def test_there_is_nothing_inline_in_it(admin, image, worker_row):
    give(make_runs(image)[0], worker_row)
    text = admin.get(ADDRESS).content.decode()
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)
    assert all("src=" in script for script in re.findall(r"<script[^>]*>", text))


def test_quantiles_are_values_that_were_seen():
    spread = services.DurationSummary.of([float(n) for n in range(1, 21)])
    assert (spread.count, spread.median, spread.most) == (20, 10.0, 19.0)
    assert services.DurationSummary.of([]) is None


def test_the_last_day_is_counted_by_the_hour_and_older_runs_are_left_out(image):
    make_runs(image, 3, state="succeeded")
    make_runs(image, 2, state="failed", age=timedelta(hours=5))
    make_runs(image, 1, state="cancelled")
    make_runs(image, 4, state="failed", age=timedelta(hours=30))
    day = services.recent_jobs()
    assert (day.succeeded, day.failed, day.failure_rate) == (3, 2, 0.4)
    assert len(day.hours) == 24
    assert sum(hour.succeeded for hour in day.hours[-2:]) == 3
    assert sum(hour.failed for hour in day.hours[-7:-4]) == 2
    assert day.total.median == 2.0
    assert day.stages["waiting"].most == 0.0


def test_a_busy_day_is_cut_to_its_newest_runs(image, monkeypatch):
    monkeypatch.setattr("segmentation.services.job_statistics.MAX_RECENT_JOBS", 3)
    make_runs(image, 3, state="succeeded")
    make_runs(image, 2, state="failed", age=timedelta(hours=5))
    day = services.recent_jobs()
    assert (day.is_cut, day.succeeded, day.failed) == (True, 3, 0)
    assert len(day.hours) <= 2
