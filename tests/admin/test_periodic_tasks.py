import pytest
from django.utils import timezone

from segmentation.models import PeriodicTask
from segmentation.models.periodic_tasks import PeriodicTaskName

pytestmark = pytest.mark.django_db(transaction=True)


def test_staff_see_when_a_duty_was_done_and_what_was_wrong(admin):
    now = timezone.now()
    PeriodicTask.objects.create(name=PeriodicTaskName.RETENTION, due=now)
    PeriodicTask.objects.create(name=PeriodicTaskName.DISK, due=now, started=now, finished=now)
    PeriodicTask.objects.create(
        name=PeriodicTaskName.FILES,
        due=now,
        started=now,
        finished=now,
        problem="2 missing.",
        report={"missing": {"count": 2}},
    )
    page = admin.get("/admin/segmentation/periodictask/").content.decode()
    for words in ("Sweep of the files", "2 missing.", "Not done yet", "No problems found"):
        assert words in page
    page = admin.get("/admin/segmentation/periodictask/files/change/").content.decode()
    assert "&quot;count&quot;: 2" in page


def test_people_without_duties_do_not_see_them(staff_with):
    assert staff_with("view_run").get("/admin/segmentation/periodictask/").status_code == 403
