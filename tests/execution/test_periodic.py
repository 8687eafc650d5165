import uuid
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db.models import F
from django.utils import timezone

from segmentation import files
from segmentation.execution import PeriodicTasks
from segmentation.models import Duty, Worker
from segmentation.models.duties import Name
from tests.media import is_on_disk
from tests.processes import eventually

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)


@pytest.fixture
def tasks(transactional_db):
    """The periodic tasks of a worker, which has planned them."""
    tasks = PeriodicTasks()
    tasks.tick()
    return tasks


def make_due(name):
    Duty.objects.filter(name=name).update(due=timezone.now() - timedelta(minutes=1))


def do(tasks, name):
    """Let one duty be done, as a worker's loop would."""
    make_due(name)
    tasks._next_look = 0.0

    def is_done():
        tasks.tick()
        return Duty.objects.get(name=name).finished

    eventually(is_done)
    return Duty.objects.get(name=name)


def test_a_new_site_plans_its_duties_and_does_none_at_once(tasks):
    rows = {duty.name: duty for duty in Duty.objects.all()}
    assert set(rows) == {"files", "retention", "disk", "sizes"}
    assert all(duty.started is None and duty.due > timezone.now() for duty in rows.values())
    before = list(Duty.objects.order_by("name").values())
    PeriodicTasks().tick()
    assert list(Duty.objects.order_by("name").values()) == before


def test_a_duty_that_is_due_belongs_to_the_worker_that_comes_first(tasks):
    make_due(Name.FILES)
    assert Duty.objects.claim(Name.FILES, every=DAY)
    assert not Duty.objects.claim(Name.FILES, every=DAY)
    duty = Duty.objects.get(name=Name.FILES)
    assert timedelta(hours=23) < duty.due - timezone.now() <= DAY
    assert (duty.started is not None, duty.finished) == (True, None)


def test_files_are_swept_in_a_child_and_the_report_is_kept(tasks, image, monkeypatch):
    orphan = files.image_key(uuid.uuid4(), "original")
    files.put(orphan, b"left behind")
    monkeypatch.setattr("segmentation.upkeep.files.GRACE", -timedelta(minutes=1))  # as if a day had passed
    duty = do(tasks, Name.FILES)
    assert not files.exists(orphan)
    assert (duty.report["removed"], duty.report["kept"]["count"]) == ({"count": 1, "keys": [orphan]}, 3)
    assert duty.problem == ""


def test_missing_files_are_a_problem_for_staff_and_the_log(tasks, image, caplog):
    files.delete(files.image_key(image.pk, "original"))
    duty = do(tasks, Name.FILES)
    assert "1 missing" in duty.problem
    assert "Sweep of the files: 2 files kept" in caplog.text


def test_a_duty_that_fails_says_why_and_comes_up_again(tasks, monkeypatch, media):
    monkeypatch.setattr("segmentation.files.CLOCK", "images/clock")  # where a closed storage takes nothing
    with media.closed():
        duty = do(tasks, Name.FILES)
    assert duty.problem.startswith("The storage for pictures does not answer.")
    assert duty.report is None
    duty = do(tasks, Name.FILES)
    assert (duty.problem, duty.report["kept"]["count"]) == ("", 0)


def test_expired_sessions_and_workers_that_ended_long_ago_go(tasks, worker_row):
    old = Worker.objects.create(host="gone", release="test", slots=1)
    Worker.objects.filter(pk=old.pk).update(seen=F("seen") - timedelta(days=31))
    for key, days in (("expired", -1), ("lasting", 1)):
        Session.objects.create(session_key=key, session_data="", expire_date=timezone.now() + timedelta(days=days))
    assert do(tasks, Name.RETENTION).report == {"workers": 1, "outputs": 0}
    assert list(Worker.objects.all()) == [worker_row]
    assert list(Session.objects.values_list("session_key", flat=True)) == ["lasting"]


def test_a_disk_that_fills_up_is_said_in_the_log_before_it_is_full(tasks, settings, caplog):
    duty = do(tasks, Name.DISK)
    assert duty.problem == ""
    if not is_on_disk():
        assert duty.report is None  # a bucket is never full
        return
    assert 0 < duty.report["free"] <= duty.report["total"]
    settings.GMM_DISK_WARNING = duty.report["total"]
    assert "are left for pictures" in do(tasks, Name.DISK).problem
    assert "Check of the room on the disk: " in caplog.text


def test_a_duty_of_a_newer_release_is_left_to_its_workers(tasks):
    Duty.objects.create(name="newer", due=timezone.now() - DAY)
    tasks._next_look = 0.0
    tasks.tick()
    assert Duty.objects.get(name="newer").started is None


def test_a_worker_does_what_is_due(tasks, start_worker, image):
    make_due(Name.FILES)
    start_worker()
    duty = eventually(lambda: Duty.objects.filter(name=Name.FILES, finished__isnull=False).first())
    assert duty.report["kept"] == {"count": 3, "bytes": duty.report["kept"]["bytes"]}
