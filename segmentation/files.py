"""Media storage: the keys of files, and functions that store, open, list and delete them.

The setting STORAGES chooses the storage backend. Keys are made of UUIDs, never of text that a person typed. A file is never
overwritten: its replacement has another lease or revision, and so another key.
"""

import contextlib
import errno
import hashlib
import logging
import re
import uuid
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, cast

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage

from segmentation.exceptions import StorageFull, StorageUnavailable
from segmentation.storage import Media, Stored

logger = logging.getLogger(__name__)

IMAGES, RUNS, INPUTS = "images", "runs", "inputs"
OUTPUTS = "outputs"  # of jobs that are no runs
CACHE = "cache"  # of files that can be made again; not counted in quotas, not in backups
# Of temporary files only: uploads being received, and files whose time stamp is read
INCOMING, CLOCK = ("incoming", "clock")

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_MASK = re.compile(r"images/[0-9a-f-]{36}/masks/([0-9a-f]{64})\.png")
_media = cast("Media", default_storage)


def image_key(image_id: uuid.UUID, name: str) -> str:
    """Return the key of an image's file: `original`, `display` or `thumbnail`."""
    return f"{IMAGES}/{image_id}/{name}"


def image_prefix(image_id: uuid.UUID) -> str:
    return f"{IMAGES}/{image_id}"


def run_key(run_id: uuid.UUID, lease: uuid.UUID, name: str) -> str:
    """Return the key of a file that one attempt of a run has made."""
    return f"{RUNS}/{run_id}/{lease}/{name}"


def mask_key(image_id: uuid.UUID, sha256: str) -> str:
    """Return the key of a mask that was uploaded for an image; runs that use it have copies of their own."""
    return f"{mask_prefix(image_id)}/{sha256}.png"


def mask_prefix(image_id: uuid.UUID) -> str:
    return f"{IMAGES}/{image_id}/masks"


def rendition_key(image_id: uuid.UUID, name: str, number: int | None) -> str:
    """Return the key of a rendition of an image, `display` or `thumbnail`; each pair of renditions has a number of its own."""
    return image_key(image_id, name if number is None else f"{name}.{number}")


def mask_sha256(key: str) -> str | None:
    """Return the SHA-256 in the key of an uploaded mask; None for the key of any other file."""
    found = _MASK.fullmatch(key)
    return found[1] if found else None


def run_input_key(run_id: uuid.UUID, sha256: str) -> str:
    """Return the key of a file that the inputs of a run name by its hash. It belongs to no attempt."""
    return f"{RUNS}/{run_id}/{INPUTS}/{sha256}.png"


def run_prefix(run_id: uuid.UUID, lease: uuid.UUID | None = None) -> str:
    """Return the prefix of all files of a run, or of one of its attempts."""
    return f"{RUNS}/{run_id}" if lease is None else f"{RUNS}/{run_id}/{lease}"


def output_prefix(job_id: uuid.UUID) -> str:
    """Return the prefix of all files of a job that is not a run; each attempt has a folder below it, named by its lease."""
    return f"{OUTPUTS}/{job_id}"


def cache_prefix(cached_id: uuid.UUID) -> str:
    return f"{CACHE}/{cached_id}"


def cache_key(cached_id: uuid.UUID, name: str) -> str:
    """Return the key of a file in the cache. A replacement has another id."""
    return f"{cache_prefix(cached_id)}/{name}"


def is_temporary(key: str) -> bool:
    """Return whether a key is that of a temporary file, which is being written or was left by a killed process."""
    return key.rpartition("/")[2].startswith(".")


def put(key: str, content: bytes | File[bytes]) -> None:
    """Store a file atomically and durably under `key`. A file that exists there is kept.

    Raises
    ------
    StorageUnavailable
        When the file cannot be stored (`StorageFull`: because the disk is full); nothing is left behind.
    """
    source = ContentFile(content) if isinstance(content, bytes) else content
    try:
        _media.put(key, source)
    except OSError as error:
        raise storage_error(error) from error


@contextlib.contextmanager
def batch() -> Iterator[None]:
    """Make all files that are put inside the block durable at its end, which is faster than one by one.

    Use it only for files that no row names before the end of the block: after a power failure they may be incomplete.

    Raises
    ------
    StorageUnavailable
        As `put`.
    """
    try:
        with _media.batch():
            yield
    except OSError as error:
        raise storage_error(error) from error


def storage_error(error: OSError) -> StorageUnavailable:
    """Return the domain error for a failed write, and log an error for the administrators if the disk is full."""
    if error.errno not in _FULL:
        return StorageUnavailable()
    logger.error("The disk that holds the pictures is full. %s", error)
    return StorageFull()


def open_file(key: str) -> IO[bytes]:
    """Open a file for reading.

    Raises
    ------
    StorageUnavailable
        When it is missing or cannot be read.
    """
    with _storage_errors():
        return _media.open(key)


def open_existing(key: str, *, in_parts: bool = False) -> IO[bytes] | None:
    """Open a file for reading; return None when it does not exist.

    Parameters
    ----------
    in_parts : bool
        Whether only parts of it will be read, after `seek`: parts that are not read are not fetched.

    Raises
    ------
    StorageUnavailable
        When it cannot be read.
    """
    with _storage_errors(), contextlib.suppress(FileNotFoundError):
        return _media.open_in_parts(key) if in_parts else _media.open(key)
    return None


def read(key: str) -> bytes:
    """Return a whole file.

    Raises
    ------
    StorageUnavailable
        When it is missing or cannot be read.
    """
    with _storage_errors(), _media.open(key) as file:
        return file.read()


def exists(key: str) -> bool:
    """Return whether a file exists.

    Raises
    ------
    StorageUnavailable
        When the storage does not answer.
    """
    with _storage_errors():
        return _media.exists(key)


def local_path(key: str) -> Path:
    """Return the path of a file on this machine; raises NotImplementedError for a remote storage."""
    return Path(default_storage.path(key))


def temporary_url(key: str, *, disposition: str) -> str:
    """Return a URL at which the storage itself sends a file as a download; it is valid for a minute (S3 only)."""
    answer_with = {"ResponseContentType": "application/octet-stream", "ResponseContentDisposition": disposition}
    return str(default_storage.url(key, parameters=answer_with))  # type: ignore[call-arg] # that of S3 has the argument


def size(key: str) -> int | None:
    """Return the size of a file in bytes; None when it does not exist.

    Raises
    ------
    StorageUnavailable
        When the storage does not answer.
    """
    with _storage_errors(), contextlib.suppress(FileNotFoundError):
        return _media.size(key)
    return None


def sha256(key: str) -> str:
    """Return the SHA-256 of a file, in hexadecimal.

    Raises
    ------
    StorageUnavailable
        When it is missing or cannot be read.
    """
    with _storage_errors(), _media.open(key) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type] # reads any binary file


def delete(key: str) -> None:
    """Delete a file; a missing file is no error.

    Raises
    ------
    StorageUnavailable
        When the storage fails.
    """
    with _storage_errors():
        _media.delete(key)


def delete_prefix(prefix: str, *, keep: Collection[str] = ()) -> None:
    """Delete everything below `prefix`, except for the folders `keep` in it; nothing there is no error.

    Raises
    ------
    StorageUnavailable
        When the storage fails; some files may be deleted.
    """
    with _storage_errors():
        _media.delete_prefix(prefix, keep=keep)


def walk(prefix: str) -> Iterator[Stored]:
    """List all files below `prefix`, in the order of their keys folder by folder; nothing there is no error.

    Raises
    ------
    StorageUnavailable
        When the storage does not answer.
    """
    with _storage_errors():
        yield from _media.walk(prefix)


def remove_empty_folders(prefix: str, *, before: datetime) -> None:
    """Remove folders below `prefix` that have been empty since `before`, if the storage has folders."""
    _media.remove_empty_folders(prefix, before=before)


def now() -> datetime:
    """Return the time by the clock of the storage, which makes the time stamps of files; clocks of workers may differ.

    Raises
    ------
    StorageUnavailable
        When the storage does not answer.
    """
    key = f"{CLOCK}/{uuid.uuid4()}"
    put(key, b"")
    try:
        with _storage_errors():
            return _media.get_modified_time(key).astimezone(UTC)
    finally:
        delete(key)


def space_left() -> tuple[int, int] | None:
    """Return free and total bytes of the disk that holds the pictures; None for unlimited storage."""
    return _media.space_left()


def incoming_folder() -> Path | None:
    """Return the folder for uploads that are being received; None for the temporary folder of the system.

    The folder is on the disk of the pictures, so that the sweep deletes what a killed process leaves. With an object store, the
    temporary folder of the system is used.
    """
    return _media.folder(INCOMING)


def preload() -> None:
    """Load now what the first use of the storage would load, so that forked children need not."""
    _media.preload()


@contextlib.contextmanager
def _storage_errors() -> Iterator[None]:
    """Translate OSError into StorageUnavailable."""
    try:
        yield
    except OSError as error:
        raise StorageUnavailable from error
