"""The storage as tests look at it, whatever it is: what is in it, and what somebody else does to it."""

import contextlib
import uuid
from pathlib import Path

from botocore.exceptions import EndpointConnectionError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage, storages


class Media:
    """All that is stored; empty at the beginning of a test."""

    def keys(self, prefix=""):
        """Every key below `prefix`, in order; temporary files included."""
        try:
            folders, names = default_storage.listdir(prefix)
        except FileNotFoundError:
            return []
        path = f"{prefix}/" if prefix else ""
        below = [key for folder in folders for key in self.keys(f"{path}{folder}")]
        return sorted(below + [f"{path}{name}" for name in names])

    def delete(self, key):
        default_storage.delete(key)

    @contextlib.contextmanager
    def closed(self, folder="images"):
        """Let nothing be stored meanwhile: a bucket does not answer, or a file stands where the `folder` should be."""
        if is_on_disk():
            obstacle = Path(default_storage.path(folder))
            obstacle.touch()  # even root cannot write below it
            yield
            obstacle.unlink()
        else:
            events = default_storage.connection.meta.client.meta.events
            events.register("before-call.s3", _away)
            yield
            events.unregister("before-call.s3", _away)

    @contextlib.contextmanager
    def gone(self):
        """Let there be no storage meanwhile: a bucket does not answer, or there is no folder."""
        if is_on_disk():
            folder = Path(default_storage.location)
            elsewhere = folder.rename(folder.with_name("elsewhere"))
            yield
            elsewhere.rename(folder)
        else:
            with self.closed():
                yield

    def replace(self, key, data):
        """Change a file behind the application's back."""
        default_storage.delete(key)
        default_storage.put(key, ContentFile(data))


def _away(**_):
    raise EndpointConnectionError(endpoint_url="a server that is away")


def is_on_disk():
    """Whether pictures are files of this machine, whose room has an end."""
    return not hasattr(default_storage, "bucket_name")


def own_bucket(monkeypatch):
    """Give this test a bucket of its own, when the storage has buckets."""
    if not is_on_disk():
        storage = storages["default"]
        name = f"test-{uuid.uuid4()}"
        storage.connection.create_bucket(Bucket=name)
        monkeypatch.setattr(storage, "bucket_name", name)
        monkeypatch.setattr(storage, "_bucket", None)


def bucket():
    """The settings that lead another process to the bucket of this test."""
    return {} if is_on_disk() else {"AWS_STORAGE_BUCKET_NAME": default_storage.bucket_name}
