import uuid
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db.models import F
from django.utils import timezone

from segmentation import files
from segmentation.execution import PeriodicTaskRunner
from segmentation.models import PeriodicTask, Worker
from segmentation.models.periodic_tasks import PeriodicTaskName
from tests.media import is_on_disk
from tests.processes import eventually

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)


@pytest.fixture
def tasks(transactional_db):
    """The periodic tasks of a worker, which has planned them."""
    PeriodicTask.objects.all().delete()  # a migration makes one that is due at once
    tasks = PeriodicTaskRunner()
    tasks.tick()
    return tasks


def make_due(name):
    PeriodicTask.objects.filter(name=name).update(due=timezone.now() - timedelta(minutes=1))


def do(tasks, name):
    """Let one task be done in the way of a worker's loop."""
    make_due(name)
    tasks._next_poll = 0.0

    def is_done():
        tasks.tick()
        return PeriodicTask.objects.get(name=name).finished

    eventually(is_done)
    return PeriodicTask.objects.get(name=name)


def test_a_new_site_plans_its_periodic_tasks_and_does_none_at_once(tasks):
    rows = {task.name: task for task in PeriodicTask.objects.all()}
    assert set(rows) == {"files", "retention", "disk", "sizes"}
    assert all(task.started is None and task.due > timezone.now() for task in rows.values())
    before = list(PeriodicTask.objects.order_by("name").values())
    PeriodicTaskRunner().tick()
    assert list(PeriodicTask.objects.order_by("name").values()) == before


def test_a_task_that_is_due_belongs_to_the_worker_that_comes_first(tasks):
    make_due(PeriodicTaskName.FILES)
    assert PeriodicTask.objects.claim(PeriodicTaskName.FILES, every=DAY)
    assert not PeriodicTask.objects.claim(PeriodicTaskName.FILES, every=DAY)
    task = PeriodicTask.objects.get(name=PeriodicTaskName.FILES)
    assert timedelta(hours=23) < task.due - timezone.now() <= DAY
    assert (task.started is not None, task.finished) == (True, None)


def test_files_are_swept_in_a_child_and_the_report_is_kept(tasks, image, monkeypatch):
    orphan = files.image_key(uuid.uuid4(), "original")
    files.put(orphan, b"left behind")
    monkeypatch.setattr("segmentation.upkeep.files.GRACE", -timedelta(minutes=1))  # as if a day had passed
    task = do(tasks, PeriodicTaskName.FILES)
    assert not files.exists(orphan)
    assert (task.report["removed"], task.report["kept"]["count"]) == ({"count": 1, "keys": [orphan]}, 3)
    assert task.problem == ""


def test_missing_files_are_a_problem_for_staff_and_the_log(tasks, image, caplog):
    files.delete(files.image_key(image.pk, "original"))
    task = do(tasks, PeriodicTaskName.FILES)
    assert "1 missing" in task.problem
    assert "Sweep of the files: 2 files kept" in caplog.text


def test_a_task_that_fails_says_why_and_comes_up_again(tasks, monkeypatch, media):
    monkeypatch.setattr("segmentation.files.CLOCK", "images/clock")  # where a closed storage takes nothing
    with media.closed():
        task = do(tasks, PeriodicTaskName.FILES)
    assert task.problem.startswith("The storage for pictures does not answer.")
    assert task.report is None
    task = do(tasks, PeriodicTaskName.FILES)
    assert (task.problem, task.report["kept"]["count"]) == ("", 0)


def test_expired_sessions_and_workers_that_ended_long_ago_go(tasks, worker_row):
    old = Worker.objects.create(host="gone", release="test", slots=1)
    Worker.objects.filter(pk=old.pk).update(seen=F("seen") - timedelta(days=31))
    for key, days in (("expired", -1), ("lasting", 1)):
        Session.objects.create(session_key=key, session_data="", expire_date=timezone.now() + timedelta(days=days))
    assert do(tasks, PeriodicTaskName.RETENTION).report == {"workers": 1, "outputs": 0}
    assert list(Worker.objects.all()) == [worker_row]
    assert list(Session.objects.values_list("session_key", flat=True)) == ["lasting"]


def test_a_disk_that_fills_up_is_said_in_the_log_before_it_is_full(tasks, settings, caplog):
    task = do(tasks, PeriodicTaskName.DISK)
    assert task.problem == ""
    if not is_on_disk():
        assert task.report is None  # a bucket is never full
        return
    assert 0 < task.report["free"] <= task.report["total"]
    settings.GMM_DISK_WARNING = task.report["total"]
    assert "are left for pictures" in do(tasks, PeriodicTaskName.DISK).problem
    assert "Check of the room on the disk: " in caplog.text


def test_a_task_of_a_newer_release_is_left_to_its_workers(tasks):
    PeriodicTask.objects.create(name="newer", due=timezone.now() - DAY)
    tasks._next_poll = 0.0
    tasks.tick()
    assert PeriodicTask.objects.get(name="newer").started is None


def test_a_worker_does_what_is_due(tasks, start_worker, image):
    make_due(PeriodicTaskName.FILES)
    start_worker()
    task = eventually(lambda: PeriodicTask.objects.filter(name=PeriodicTaskName.FILES, finished__isnull=False).first())
    assert task.report["kept"] == {"count": 3, "bytes": task.report["kept"]["bytes"]}
