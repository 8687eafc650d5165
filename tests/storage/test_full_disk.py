"""Uploads while the disk of the pictures is full: said so, and nothing is left of them. Staff hear of it before."""

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from segmentation import files, services
from segmentation.models import CachedFile, Image, Run
from tests.factories import encoded

pytestmark = pytest.mark.django_db(transaction=True)

SENTENCE = "The disk for pictures is full. Nothing was changed."


@pytest.fixture(scope="module")
def noise():
    """A picture of 6 MB, which no compression makes smaller."""
    return encoded(np.random.default_rng(0).integers(0, 256, (1400, 1500, 3), dtype=np.uint8))


def send(client, address, data, **more):
    return client.post(address, {"image": SimpleUploadedFile("noise.png", data), **more})


def left(media_root):
    return [path for path in media_root.rglob("*") if path.is_file()]


def test_the_page_and_the_api_say_that_the_disk_is_full(client, owner, noise, small_disk, media_root):
    client.force_login(owner)
    page = send(client, "/", noise, n_clusters="3")
    assert page.status_code == 503
    assert SENTENCE in page.content.decode()
    answer = send(client, "/api/v1/images", noise)
    assert answer.status_code == 503
    assert answer.json()["code"] == "storage_unavailable"
    assert answer.json()["detail"].startswith(SENTENCE)
    assert left(media_root) == []
    assert not Image.objects.exists()


def test_a_disk_that_fills_up_while_the_picture_is_stored_keeps_nothing_of_it(
    client, owner, noise, small_disk, media_root
):
    client.force_login(owner)
    half = encoded(np.random.default_rng(1).integers(0, 256, (700, 1500, 3), dtype=np.uint8))
    sent = half if small_disk.is_mounted else noise  # half the disk comes in, and does not fit a second time
    answer = send(client, "/api/v1/images", sent)
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert left(media_root) == []
    assert not Image.objects.exists()


def test_who_sends_less_still_works(client, owner, noise, small_disk, media_root):
    client.force_login(owner)
    send(client, "/", noise, n_clusters="3")
    small = encoded(np.random.default_rng(2).integers(0, 256, (30, 40, 3), dtype=np.uint8))
    page = send(client, "/", small, n_clusters="3")
    assert page.headers["Location"] == f"/runs/{Run.objects.get().pk}/"
    assert len(left(media_root)) == 3


def test_what_can_be_made_again_is_sent_though_there_is_no_room_to_keep_it(image, small_disk):
    content = bytes(small_disk.bytes + 1)
    with services.cached_file(thing=image, name="values", make=lambda: content) as file:
        assert file.read() == content
    assert not CachedFile.objects.exists()


def test_staff_are_warned_before_the_disk_is_full(client, staff, settings):
    client.force_login(staff)
    assert "are left on the disk" not in client.get("/admin/").content.decode()
    _, total = files.space_left()
    settings.GMM_DISK_WARNING = total
    page = client.get("/admin/").content.decode()
    assert "are left on the disk that holds the pictures. Free some space" in page
