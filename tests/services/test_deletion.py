"""What a deletion removes, also while other requests add rows."""

import threading
import uuid

import pytest
from django.db import close_old_connections, connection
from django.db.models.deletion import Collector

from segmentation import services
from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.recipe import Recipe
from segmentation.models import Image, Job, Result, Revision, Run, User
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

DELETIONS = {
    "run": lambda run: services.delete_run(run=run),
    "image": lambda run: services.delete_image(image=run.image),
    "user": lambda run: services.delete_user(user=run.job.owner),
}
deletions = pytest.mark.parametrize("delete", DELETIONS.values(), ids=DELETIONS)


@pytest.fixture
def meanwhile(monkeypatch):
    """Has somebody else do something between the moment that Django knows what goes and its first DELETE."""
    others = []

    def begin(action):
        def act():
            try:
                action()
            finally:
                close_old_connections()
                connection.close()

        delete = Collector.delete

        def delete_beside_another(collector):
            if not others:
                others.append(threading.Thread(target=act))
                others[0].start()
                others[0].join(0.5)  # who is kept out goes on afterwards
            return delete(collector)

        monkeypatch.setattr(Collector, "delete", delete_beside_another)

    yield begin
    for other in others:
        other.join()


@deletions
def test_a_worker_that_finishes_meanwhile_is_too_late(queued_run, worker_row, meanwhile, delete):
    from segmentation.execution import supervisor  # noqa: PLC0415 - the engine is loaded where it is needed
    from segmentation.execution.kinds import kind_of  # noqa: PLC0415 - as above

    lease = Job.objects.claim(queued_run.pk, worker_id=worker_row.pk)
    job = Job.objects.get(lease=lease)
    assignment = kind_of(job).assign(job)
    product = assignment.call(lambda _value: None, None)
    recorded = []
    meanwhile(lambda: recorded.append(supervisor._record(assignment, product)))
    delete(queued_run)
    connection.close()
    assert not Run.objects.exists()
    assert not Result.objects.exists()
    assert not Revision.objects.exists()


@pytest.mark.parametrize("delete", [DELETIONS["image"], DELETIONS["user"]], ids=["image", "user"])
def test_a_run_that_is_asked_for_meanwhile_is_refused(queued_run, meanwhile, delete):
    refused = []

    def ask():
        try:
            factories.make_run(image)
        except (SegmentationError, User.DoesNotExist) as error:
            refused.append(error)

    image = Image.objects.get()
    meanwhile(ask)
    delete(queued_run)
    assert not Image.objects.exists()
    assert not Job.objects.exists()


def test_no_run_can_be_made_of_a_picture_that_is_gone(image):
    gone = Image(id=uuid.uuid4(), owner=image.owner, width=image.width, height=image.height, bands=3, dtype="uint8")
    with pytest.raises(SegmentationError) as raised:
        services.create_run(image=gone, recipe=Recipe(n_clusters=3))
    assert raised.value.code == "not_found"
    assert not Job.objects.exists()
