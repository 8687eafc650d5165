"""S3 when it does not answer; what it does when it does is tested with the files, on a server."""

import threading
import time

import pytest
from moto.server import ThreadedMotoServer

from segmentation.storage.s3 import S3Media


@pytest.fixture
def away(monkeypatch):
    """A bucket on a server that is away: nobody listens on port 1."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "key")
    return S3Media(bucket_name="pictures", endpoint_url="http://127.0.0.1:1", region_name="us-east-1")


@pytest.mark.parametrize(
    "use",
    [
        lambda media: media.open("a"),
        lambda media: media.exists("a"),
        lambda media: media.size("a"),
        lambda media: media.listdir("a"),
        lambda media: media.delete("a"),
        lambda media: media.delete_prefix("a"),
        lambda media: media.get_modified_time("a"),
    ],
    ids=["open", "exists", "size", "listdir", "delete", "delete_prefix", "get_modified_time"],
)
def test_a_server_that_is_away_is_an_error_as_of_a_disk_and_soon(away, use):
    began = time.monotonic()
    with pytest.raises(OSError, match="Could not connect"):
        use(away)
    assert time.monotonic() - began < 30


@pytest.fixture
def empty(monkeypatch):
    """A server without a bucket."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "key")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield S3Media(bucket_name="nowhere", endpoint_url=f"http://{host}:{port}", region_name="us-east-1")
    server.stop()


@pytest.mark.parametrize(
    "use",
    [lambda media: media.open("a"), lambda media: list(media.walk("a")), lambda media: media.delete_prefix("a")],
    ids=["open", "walk", "delete_prefix"],
)
def test_a_bucket_that_is_not_there_is_no_missing_file(empty, use):
    with pytest.raises(OSError, match="NoSuchBucket") as failed:
        use(empty)
    assert not isinstance(failed.value, FileNotFoundError)


def test_warming_connects_to_nobody_and_starts_no_thread(away):
    before = threading.active_count()
    away.preload()
    assert threading.active_count() == before


def test_all_threads_share_one_client(away):
    clients = []
    threads = [threading.Thread(target=lambda: clients.append(away.connection.meta.client)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(clients) == 4
    assert len({id(client) for client in clients}) == 1


def test_objects_are_for_reading(away):
    with pytest.raises(ValueError, match="read"):
        away.open("a", "wb")
