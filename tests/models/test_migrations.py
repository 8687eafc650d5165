"""What migrations do with rows of the release before."""

import pytest
from django.core.management import call_command

from segmentation import services, upkeep
from segmentation.models import Duty, Image, Result, Run
from segmentation.models.duties import Name

pytestmark = pytest.mark.django_db(transaction=True)


def migrate(*to):
    call_command("migrate", *to, verbosity=0)


def test_what_is_stored_is_known_from_rows_at_once_and_from_the_storage_when_a_worker_has_looked(finished_run, owner):
    before = services.usage(owner=owner).bytes
    try:
        migrate("segmentation", "0005_cached_file")
    finally:
        migrate()
    assert Result.objects.get().bytes == sum(file["bytes"] for file in finished_run.result.files.values())
    assert Run.objects.get().inputs_bytes == 0
    assert Image.objects.get().stored_bytes is None
    assert Duty.objects.due().filter(name=Name.SIZES).exists()
    upkeep.measure_sizes()
    assert services.usage(owner=owner).bytes == before
