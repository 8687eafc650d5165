"""The storage backend for a bucket on Amazon S3 or a compatible server."""

import contextlib
import functools
import io
import os
import threading
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any, ParamSpec, TypeVar

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import File
from storages.backends.s3 import S3Storage

from segmentation.storage import Stored

P = ParamSpec("P")
R = TypeVar("R")

_PAGE_KEYS = 1000  # the most keys that one request can list or delete
_LARGEST_REQUEST = 4 * 10**9  # bytes; larger objects are uploaded in parts (S3 allows 5 GiB in one request)
_PUT_PART = 64 * 1024 * 1024  # bytes of a part of such an upload; S3 allows 10,000 parts
_READ_PART = 256 * 1024  # bytes that one request fetches in `open_in_parts`
_EXISTS = {"PreconditionFailed", "ConditionalRequestConflict"}


@contextlib.contextmanager
def _as_os_errors() -> Iterator[None]:
    """Translate the exceptions of boto into OSError, and that for a missing object into FileNotFoundError."""
    try:
        yield
    except ClientError as error:
        is_missing = error.response["ResponseMetadata"].get("HTTPStatusCode") == 404
        if is_missing and error.response["Error"]["Code"] != "NoSuchBucket":
            raise FileNotFoundError(str(error)) from error
        raise OSError(str(error)) from error
    except (BotoCoreError, Boto3Error) as error:
        raise OSError(str(error)) from error


def _raises_os_errors(method: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(method)
    def translated(*args: P.args, **kwargs: P.kwargs) -> R:
        with _as_os_errors():
            return method(*args, **kwargs)

    return translated


class S3Media(S3Storage):  # type: ignore[misc] # django-storages publishes no types
    """The S3 storage of django-storages, with the exceptions of a file system.

    `put` is atomic and never overwrites an object. No method starts threads, because the child processes of workers must not. A
    server that does not answer is tried three times, with short timeouts.
    """

    def __init__(self, **options: Any) -> None:
        config = Config(
            signature_version="s3v4",
            connect_timeout=3,
            read_timeout=10,
            retries={"mode": "standard", "total_max_attempts": 3},
            response_checksum_validation="when_required",  # the checksum of an object is not valid for a part of it
        )
        super().__init__(client_config=config, querystring_auth=True, file_overwrite=False, **options)
        self._connection_lock = threading.Lock()
        self._shared: Any = None

    @property
    def connection(self) -> Any:
        """The connection that all threads share. django-storages makes one for each thread, which takes long.

        A forked child opens connections of its own.
        """
        with self._connection_lock:
            if self._shared is None:
                self._shared = super().connection
                os.register_at_fork(after_in_child=self._shared.meta.client.close)
            return self._shared

    exists = _raises_os_errors(S3Storage.exists)
    listdir = _raises_os_errors(S3Storage.listdir)
    delete = _raises_os_errors(S3Storage.delete)
    size = _raises_os_errors(S3Storage.size)
    get_modified_time = _raises_os_errors(S3Storage.get_modified_time)

    def put(self, key: str, source: File[bytes]) -> None:
        """Store an object atomically, in one request or, if it is too large for that, in parts."""
        source.seek(0, io.SEEK_END)
        size = source.tell()
        source.seek(0)  # as Django's storages do: the file may have been read before
        put = self._put_in_parts if size > _LARGEST_REQUEST else self._put_at_once
        with _as_os_errors():
            try:
                put(key, source)
            except ClientError as error:
                if error.response["Error"]["Code"] not in _EXISTS:
                    raise  # otherwise another process has stored the same file meanwhile

    def _put_at_once(self, key: str, source: File[bytes]) -> None:
        self._client.put_object(Bucket=self.bucket_name, Key=key, Body=source, IfNoneMatch="*")

    def _put_in_parts(self, key: str, source: File[bytes]) -> None:
        upload = {"Bucket": self.bucket_name, "Key": key}
        upload |= {"UploadId": self._client.create_multipart_upload(**upload)["UploadId"]}
        try:
            parts: list[dict[str, Any]] = []
            while data := source.read(_PUT_PART):
                number = len(parts) + 1
                answer = self._client.upload_part(**upload, PartNumber=number, Body=data)
                parts.append({"PartNumber": number, "ETag": answer["ETag"]})
            self._client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*")
        except BaseException:
            self._client.abort_multipart_upload(**upload)
            raise

    def batch(self) -> contextlib.AbstractContextManager[None]:
        """Do nothing: each `put` is durable by itself."""
        return contextlib.nullcontext()

    def _open(self, name: str, mode: str = "rb") -> IO[bytes]:
        """Open for sequential reading; no other mode is supported."""
        if mode != "rb":
            raise ValueError(f"Objects are opened to be read, not with {mode!r}.")
        with _as_os_errors():
            answer = self._client.get_object(Bucket=self.bucket_name, Key=name)
        return io.BufferedReader(_Body(answer["Body"]))

    def open_in_parts(self, name: str) -> IO[bytes]:
        """Open for reading parts. One request asks for the size, and one more is made for each part that is read."""
        with _as_os_errors():
            size = self._client.head_object(Bucket=self.bucket_name, Key=name)["ContentLength"]
        return io.BufferedReader(_Parts(functools.partial(self._part, name), size))

    def _part(self, name: str, start: int, stop: int) -> bytes:
        with _as_os_errors():
            answer = self._client.get_object(Bucket=self.bucket_name, Key=name, Range=f"bytes={start}-{stop - 1}")
            return bytes(answer["Body"].read())

    def delete_prefix(self, prefix: str, *, keep: Collection[str] = ()) -> None:
        """Delete all objects below `prefix`, 1000 in one request."""
        kept = tuple(f"{prefix}/{folder}/" for folder in keep)
        with _as_os_errors():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket_name, Prefix=f"{prefix}/", PaginationConfig={"PageSize": _PAGE_KEYS}
            )
            for page in pages:
                keys = [item["Key"] for item in page.get("Contents", ())]
                self._delete_keys([key for key in keys if not key.startswith(kept)])

    def walk(self, prefix: str) -> Iterator[Stored]:
        """List all objects below `prefix` in the order of their keys, 1000 in one request."""
        with _as_os_errors():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket_name, Prefix=f"{prefix}/", PaginationConfig={"PageSize": _PAGE_KEYS}
            )
            for page in pages:
                for item in page.get("Contents", ()):
                    yield Stored(key=item["Key"], bytes=item["Size"], modified=item["LastModified"])

    def remove_empty_folders(self, prefix: str, *, before: datetime) -> None:
        """Do nothing: S3 has no folders."""

    def space_left(self) -> tuple[int, int] | None:
        return None

    def folder(self, name: str) -> Path | None:  # noqa: ARG002 - no folder is on this machine
        return None

    def preload(self) -> None:
        """Load boto's description of the S3 API, which takes long; no connection is opened."""
        _ = self._client

    @property
    def _client(self) -> Any:
        return self.connection.meta.client

    def _delete_keys(self, keys: list[str]) -> None:
        if not keys:
            return
        answer = self._client.delete_objects(
            Bucket=self.bucket_name, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
        )
        for failure in answer.get("Errors", ()):
            raise OSError(f"{failure['Key']} could not be deleted: {failure['Code']}")


class _Body(io.RawIOBase):
    """A raw stream over the body of a response."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _as_os_errors():
            piece = self._body.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._body.close()
        super().close()


class _Parts(io.RawIOBase):
    """A raw seekable stream over an object, which fetches the parts that are read."""

    def __init__(self, fetch: Callable[[int, int], bytes], size: int) -> None:
        self._fetch = fetch  # returns the bytes from one position up to before another
        self._size = size
        self._position = 0
        self._part, self._part_start = b"", 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, origin + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._size - self._position)
        if wanted <= 0:
            return 0
        offset = self._position - self._part_start
        if not 0 <= offset < len(self._part):
            stop = min(self._position + max(wanted, _READ_PART), self._size)
            self._part, self._part_start, offset = self._fetch(self._position, stop), self._position, 0
        piece = self._part[offset : offset + wanted]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)
