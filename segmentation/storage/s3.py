"""Objects in an S3 bucket, of Amazon or of any compatible server."""

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

_AT_ONCE = 1000  # keys that one request can delete
_LARGEST_REQUEST = 4 * 10**9  # bytes that are put in one request; S3 takes 5 GiB
_PUT_PART = 64 * 1024 * 1024  # bytes of each request for a larger object; S3 takes 10,000 of them
_PART = 256 * 1024  # bytes that one request fetches of an object that is read in parts
_IS_THERE = {"PreconditionFailed", "ConditionalRequestConflict"}


@contextlib.contextmanager
def _as_os_errors() -> Iterator[None]:
    """Raise what boto raises as OSError, a missing object as FileNotFoundError; a missing bucket is not one."""
    try:
        yield
    except ClientError as error:
        is_missing = error.response["ResponseMetadata"].get("HTTPStatusCode") == 404
        if is_missing and error.response["Error"]["Code"] != "NoSuchBucket":
            raise FileNotFoundError(str(error)) from error
        raise OSError(str(error)) from error
    except (BotoCoreError, Boto3Error) as error:
        raise OSError(str(error)) from error


def _says_os_errors(method: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(method)
    def translated(*args: P.args, **kwargs: P.kwargs) -> R:
        with _as_os_errors():
            return method(*args, **kwargs)

    return translated


class S3Media(S3Storage):  # type: ignore[misc] # django-storages publishes no types
    """django-storages' S3, with errors as those of a disk.

    A put stores all of an object or nothing, and never over one that stands there. No call starts threads: workers'
    children must not. A server that does not answer is tried three times, and not waited for longer than a page can take.
    """

    def __init__(self, **options: Any) -> None:
        config = Config(
            signature_version="s3v4",
            connect_timeout=3,
            read_timeout=10,
            retries={"mode": "standard", "total_max_attempts": 3},
            response_checksum_validation="when_required",  # a part of an object has not the checksum of the whole
        )
        super().__init__(client_config=config, querystring_auth=True, file_overwrite=False, **options)
        self._one_at_a_time = threading.Lock()
        self._shared: Any = None

    @property
    def connection(self) -> Any:
        """One for all threads, where django-storages has one for each: its client may be shared, and takes long to make.

        A forked child makes connections of its own.
        """
        with self._one_at_a_time:
            if self._shared is None:
                self._shared = super().connection
                os.register_at_fork(after_in_child=self._shared.meta.client.close)
            return self._shared

    exists = _says_os_errors(S3Storage.exists)
    listdir = _says_os_errors(S3Storage.listdir)
    delete = _says_os_errors(S3Storage.delete)
    size = _says_os_errors(S3Storage.size)
    get_modified_time = _says_os_errors(S3Storage.get_modified_time)

    def put(self, key: str, source: File[bytes]) -> None:
        """Store in one request, or in parts what is too large for one; either way all of it or nothing."""
        source.seek(0, io.SEEK_END)
        size = source.tell()
        source.seek(0)  # as Django's own storages do: it may have been read, or put in vain
        put = self._put_in_parts if size > _LARGEST_REQUEST else self._put_at_once
        with _as_os_errors():
            try:
                put(key, source)
            except ClientError as error:
                if error.response["Error"]["Code"] not in _IS_THERE:
                    raise  # else another process has put the same file meanwhile

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

    def together(self) -> contextlib.AbstractContextManager[None]:
        """Nothing to gain: each put is one request, and durable."""
        return contextlib.nullcontext()

    def _open(self, name: str, mode: str = "rb") -> IO[bytes]:
        """Open for reading from beginning to end; other modes are not offered."""
        if mode != "rb":
            raise ValueError(f"Objects are opened to be read, not with {mode!r}.")
        with _as_os_errors():
            answer = self._client.get_object(Bucket=self.bucket_name, Key=name)
        return io.BufferedReader(_Body(answer["Body"]))

    def open_in_parts(self, name: str) -> IO[bytes]:
        """One request says how large it is, and each part that is read takes one more."""
        with _as_os_errors():
            size = self._client.head_object(Bucket=self.bucket_name, Key=name)["ContentLength"]
        return io.BufferedReader(_Parts(functools.partial(self._part, name), size))

    def _part(self, name: str, start: int, stop: int) -> bytes:
        with _as_os_errors():
            answer = self._client.get_object(Bucket=self.bucket_name, Key=name, Range=f"bytes={start}-{stop - 1}")
            return bytes(answer["Body"].read())

    def delete_prefix(self, prefix: str, *, keep: Collection[str] = ()) -> None:
        """List flatly, and delete a thousand at once."""
        kept = tuple(f"{prefix}/{folder}/" for folder in keep)
        with _as_os_errors():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket_name, Prefix=f"{prefix}/", PaginationConfig={"PageSize": _AT_ONCE}
            )
            for page in pages:
                keys = [item["Key"] for item in page.get("Contents", ())]
                self._delete_keys([key for key in keys if not key.startswith(kept)])

    def walk(self, prefix: str) -> Iterator[Stored]:
        """List flatly: one request for each thousand, in the order of the keys."""
        with _as_os_errors():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket_name, Prefix=f"{prefix}/", PaginationConfig={"PageSize": _AT_ONCE}
            )
            for page in pages:
                for item in page.get("Contents", ()):
                    yield Stored(key=item["Key"], bytes=item["Size"], modified=item["LastModified"])

    def remove_empty_folders(self, prefix: str, *, before: datetime) -> None:
        """Nothing to do: there are no folders."""

    def space_left(self) -> tuple[int, int] | None:
        return None

    def folder(self, name: str) -> Path | None:  # noqa: ARG002 - whatever its name, it is not on this machine
        return None

    def warm(self) -> None:
        """Load boto's description of S3, which takes a while; no connection is made."""
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
    """The bytes of an object as they come over the line."""

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
    """An object of which parts are fetched as they are read."""

    def __init__(self, fetch: Callable[[int, int], bytes], size: int) -> None:
        self._fetch = fetch  # the bytes from one place to before another
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
            stop = min(self._position + max(wanted, _PART), self._size)
            self._part, self._part_start, offset = self._fetch(self._position, stop), self._position, 0
        piece = self._part[offset : offset + wanted]
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)
