"""What migrations do with rows of the release before."""

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection

from segmentation import services, upkeep
from segmentation.models import Image, PeriodicTask, Result, Run, User
from segmentation.models.periodic_tasks import PeriodicTaskName

pytestmark = pytest.mark.django_db(transaction=True)


def migrate(*to):
    call_command("migrate", *to, verbosity=0)


def test_what_is_stored_is_known_from_rows_at_once_and_from_the_storage_when_a_worker_has_looked(finished_run, owner):
    before = services.usage(owner=owner).bytes
    try:
        migrate("segmentation", "0006_cached_file")
    finally:
        migrate()
    assert Result.objects.get().bytes == sum(file["bytes"] for file in finished_run.result.files.values())
    assert Run.objects.get().inputs_bytes == 0
    assert Image.objects.get().stored_bytes is None
    assert PeriodicTask.objects.due().filter(name=PeriodicTaskName.SIZES).exists()
    upkeep.record_sizes()
    assert services.usage(owner=owner).bytes == before


def test_who_may_see_the_periodic_tasks_may_so_after_the_model_got_its_name(owner):
    try:
        migrate("segmentation", "0009_job_output")
        owner.user_permissions.add(Permission.objects.get(codename="view_duty"))
    finally:
        migrate()
    owner = User.objects.get(pk=owner.pk)
    assert owner.has_perm("segmentation.view_periodictask")
    assert owner.has_perm("segmentation.view_duty")  # web processes of the release before ask for it
    assert not owner.has_perm("segmentation.change_periodictask")


def test_a_worker_of_the_release_before_finds_the_table_and_the_column_that_it_knows(finished_run):
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, due FROM segmentation_duty")
        cursor.execute("SELECT facts FROM segmentation_result")
        assert cursor.fetchall()
