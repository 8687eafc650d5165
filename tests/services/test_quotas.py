"""Quotas hold when many ask at once: what counts is under a lock when it is counted."""

import threading

import pytest
from django.db import connection

from segmentation import services
from segmentation.engine.exceptions import SegmentationError
from segmentation.models import Image, Job
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = 8


def at_once(action):
    """Do something in eight threads that begin together; returns the codes of what was refused."""
    start, refused = threading.Barrier(AT_ONCE), []

    def do():
        start.wait()
        try:
            action()
        except SegmentationError as error:
            refused.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=do) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return refused


@pytest.fixture
def _patient(monkeypatch, settings):
    """Eight pictures of one person are read one after the other, and may all wait for that."""
    settings.WEB_THREADS = 4 * AT_ONCE
    monkeypatch.setattr("segmentation.services.processing_slots.WAIT_SECONDS", 300.0)


def test_of_eight_runs_at_once_as_many_begin_as_the_quota_allows(image, settings):
    settings.GMM_QUOTA_ACTIVE_RUNS = 5
    refused = at_once(lambda: factories.make_run(image))
    assert refused == ["quota_runs"] * 3
    assert Job.objects.active().count() == 5


def test_of_eight_retries_at_once_as_many_begin_as_the_quota_allows(image, settings):
    runs = [factories.make_run(image) for _ in range(AT_ONCE)]
    for run in runs:
        services.cancel_run(run=run)
    settings.GMM_QUOTA_ACTIVE_RUNS = 5
    refused = at_once(lambda: services.retry_run(run=runs.pop()))
    assert refused == ["quota_runs"] * 3
    assert Job.objects.active().count() == 5


@pytest.mark.usefixtures("_patient")
@pytest.mark.parametrize("code", ["quota_images", "quota_bytes"])
def test_of_eight_uploads_at_once_as_many_stay_as_the_quota_allows(owner, stranger, settings, media, code):
    data = factories.encoded(factories.pixels(16, 16))
    if code == "quota_images":
        settings.GMM_QUOTA_IMAGES = 5
    else:
        size = factories.make_image(stranger, data).stored_bytes
        settings.GMM_QUOTA_BYTES = 5 * size + size // 2
    refused = at_once(lambda: factories.make_image(owner, data))
    assert refused == [code] * 3
    others = Image.objects.filter(owner=stranger).count()
    assert Image.objects.filter(owner=owner).count() == 5
    assert len(media.keys("images")) == (5 + others) * 3
    factories.make_image(stranger, data)


def test_a_refusal_reaches_the_page_and_the_api_with_its_code(client, owner, image, settings):
    settings.GMM_QUOTA_ACTIVE_RUNS = 0
    client.force_login(owner)
    body = {"image": str(image.pk), "recipe": {"n_clusters": 3}}
    answer = client.post("/api/v1/runs", body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (429, "quota_runs")
    settings.GMM_QUOTA_IMAGES = 1
    data = factories.encoded(factories.pixels(16, 16))
    for address, status in (("/api/v1/images", 403), ("/", 422)):
        upload = factories.SimpleUploadedFile("a.png", data)
        assert client.post(address, {"image": upload, "n_clusters": "3"}).status_code == status
    assert Image.objects.count() == 1
