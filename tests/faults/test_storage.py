"""Storage that is down, silent or full while runs are done."""

import contextlib
import subprocess

import pytest
from django.core.files.storage import default_storage

from segmentation import services
from segmentation.exceptions import StorageUnavailable
from segmentation.models import Image, Job
from segmentation.models.jobs import State
from tests import factories
from tests.faults.harness import stored
from tests.faults.trials import tried
from tests.media import is_on_disk
from tests.processes import eventually
from tests.servers import Door

pytestmark = pytest.mark.django_db(transaction=True)

DISK_BYTES = 16_000_000


@tried
@pytest.mark.parametrize("name", ["original", "binary.png"])
def test_the_storage_is_down(site, settled, image, name, trial):
    """Some tries later the run fails with a reason, and leaves nothing; after a manual retry it succeeds."""
    site.start()
    site.gates.refuse(name)
    run = factories.make_run(image)
    settled(f"storage answers with errors ({name})", [run], expected=(State.FAILED,))
    assert Job.objects.get(pk=run.pk).error_code == "storage_unavailable"
    assert not stored()
    site.gates.open(name)
    services.retry_run(run=run)
    settled(f"storage answers with errors ({name})", [run])


@tried
def test_the_storage_is_down_for_a_moment(site, settled, image, trial):
    site.start()
    site.gates.close("binary.png")
    run = factories.make_run(image)
    site.gates.wait_until_reached("binary.png")
    site.gates.refuse("binary.png")
    site.gates.open("binary.png")
    settled("storage answers with errors for a moment", [run])
    assert Job.objects.get(pk=run.pk).attempt == 1


if not is_on_disk():

    @pytest.fixture
    def door():
        with Door(default_storage.endpoint_url) as door:
            yield door

    @tried
    @pytest.mark.parametrize("how", ["answers 503", "times out"])
    def test_the_store_is_down_behind_its_address(door, site, settled, image, how, trial):  # noqa: PLR0917 - fixtures
        """What botocore says of it, and how long it tries, is real here."""
        site.start(AWS_S3_ENDPOINT_URL=door.url)
        site.gates.close("binary.png")
        run = factories.make_run(image)
        site.gates.wait_until_reached("binary.png")
        door.shut(silently=how == "times out")
        site.gates.open("binary.png")
        others = [factories.make_run(image) for _ in range(3)]
        eventually(lambda: door.refused >= 3)
        door.open()
        settled(f"S3 {how} for a moment", [run, *others])
        assert set(Job.objects.values_list("attempt", flat=True)) == {1}


@tried
def test_the_storage_is_silent(site, settled, image, trial):
    """Heartbeats continue while the child waits, until its time limit."""
    site.start(GMM_RUN_SECONDS=6)
    site.gates.close("binary.png")
    run = factories.make_run(image)
    site.gates.wait_until_reached("binary.png")
    settled("storage does not answer", [run], expected=(State.FAILED,))
    job = Job.objects.get(pk=run.pk)
    assert (job.error_code, job.attempt) == ("deadline", 1)


@pytest.fixture
def small_disk(tmp_path, settings):
    """A disk of a few megabytes for the pictures."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)], check=True)
    settings.MEDIA_ROOT = folder
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


if is_on_disk():  # a bucket is never full

    @tried
    def test_the_disk_is_full(site, settled, owner, small_disk, trial):
        """Pictures are refused and runs fail with a reason; nothing half-written stays; with room again both are done."""
        image = factories.make_image(owner, factories.encoded(factories.pixels(800, 600)))
        site.start()
        with _filled(small_disk):
            run = factories.make_run(image)
            before = sorted(small_disk.rglob("*"))
            with pytest.raises(StorageUnavailable):
                factories.make_image(owner, factories.encoded(factories.pixels(801, 600)))
            settled("disk full", [run], expected=(State.FAILED,))
            assert Job.objects.get(pk=run.pk).error_code == "storage_unavailable"
            assert Image.objects.count() == 1
            assert {path for path in small_disk.rglob("*") if path.is_file()} <= set(before)
        services.retry_run(run=run)
        settled("disk full", [run])


@contextlib.contextmanager
def _filled(folder):
    filler = folder / "filler"
    with filler.open("wb") as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(100_000))
            file.flush()
    yield
    filler.unlink()
