"""An object store that refuses, and one that says nothing: real servers on this machine."""

import contextlib
import http.server
import socket
import threading

import pytest

from gmmsite import objects
from segmentation import files
from segmentation.exceptions import StorageUnavailable


class Refuses(http.server.BaseHTTPRequestHandler):
    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(503, "Slow Down")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = answer

    def log_message(self, *_args):
        """Say nothing."""


@contextlib.contextmanager
def refusing():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refuses) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@contextlib.contextmanager
def silent():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextlib.contextmanager
def absent():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    yield port


@pytest.fixture(params=[refusing, silent, absent])
def store(request, settings, monkeypatch):
    monkeypatch.setattr(objects, "_READ_SECONDS", 0.2)
    with request.param() as port:
        options = {
            "bucket_name": "pictures",
            "endpoint_url": f"http://127.0.0.1:{port}",
            "region_name": "eu-central-1",
            "access_key": "key",
            "secret_key": "secret",
            "file_overwrite": False,
        }
        settings.STORAGES = settings.STORAGES | {
            "default": {"BACKEND": "gmmsite.objects.ObjectStorage", "OPTIONS": options}
        }
        yield


def test_nothing_is_stored_and_people_are_told(store):
    with pytest.raises(StorageUnavailable):
        files.put("images/a/original", b"bytes")


def test_nothing_is_read_and_people_are_told(store):
    with pytest.raises(StorageUnavailable):
        files.read("images/a/original")


def test_whoever_deletes_looks_or_lists_gets_the_error_of_a_disk(store):
    for action in (files.delete_prefix, files.exists):
        with pytest.raises(OSError, match="The object store says"):
            action("images/a")
