"""Media storage: keys, durable put, open, delete by prefix. What lies behind it is the setting's business.

Keys come from UUIDs, never from what a person typed. A key is written once and never overwritten: what replaces a file
has another lease or revision in its key.
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
CACHE = "cache"  # what can be made again: counted by itself, and in no backup
INCOMING, CLOCK = "incoming", "clock"  # uploads on their way, probes of the storage's clock: nothing in them stays

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_MASK = re.compile(r"images/[0-9a-f-]{36}/masks/([0-9a-f]{64})\.png")
_media = cast("Media", default_storage)


def image_key(image_id: uuid.UUID, name: str) -> str:
    """Key of an image's `original`, `display` or `thumbnail`."""
    return f"{IMAGES}/{image_id}/{name}"


def image_prefix(image_id: uuid.UUID) -> str:
    return f"{IMAGES}/{image_id}"


def run_key(run_id: uuid.UUID, lease: uuid.UUID, name: str) -> str:
    """Key of a file that one attempt of a run has made."""
    return f"{RUNS}/{run_id}/{lease}/{name}"


def mask_key(image_id: uuid.UUID, sha256: str) -> str:
    """Key of a mask that was uploaded for an image and waits for a run; each run keeps a copy of its own."""
    return f"{mask_prefix(image_id)}/{sha256}.png"


def mask_prefix(image_id: uuid.UUID) -> str:
    return f"{IMAGES}/{image_id}/masks"


def mask_sha256(key: str) -> str | None:
    """Return the hash that names a mask that was uploaded for an image; None for a file that is none."""
    found = _MASK.fullmatch(key)
    return found[1] if found else None


def run_input_key(run_id: uuid.UUID, sha256: str) -> str:
    """Key of a file that the inputs of a run name by its hash; no attempt's lease, so that it outlives them all."""
    return f"{RUNS}/{run_id}/{INPUTS}/{sha256}.png"


def run_prefix(run_id: uuid.UUID, lease: uuid.UUID | None = None) -> str:
    """Return the prefix of all files of a run, or of one of its attempts."""
    return f"{RUNS}/{run_id}" if lease is None else f"{RUNS}/{run_id}/{lease}"


def output_prefix(job_id: uuid.UUID) -> str:
    """Return the prefix of all files of a job that is no run; each attempt has a folder in it, named by its lease."""
    return f"{OUTPUTS}/{job_id}"


def cache_prefix(cached_id: uuid.UUID) -> str:
    return f"{CACHE}/{cached_id}"


def cache_key(cached_id: uuid.UUID, name: str) -> str:
    """Key of a file that can be made again; what replaces it has another id."""
    return f"{cache_prefix(cached_id)}/{name}"


def is_draft(key: str) -> bool:
    """Whether it is a file that was being written when its process was killed, or still is."""
    return key.rpartition("/")[2].startswith(".")


def put(key: str, content: bytes | File[bytes]) -> None:
    """Store a whole file durably under `key`, or nothing at all. A file that stands there already stays.

    Raises
    ------
    StorageUnavailable
        When the storage does not take it (`StorageFull`: for want of room); nothing is left behind.
    """
    source = ContentFile(content) if isinstance(content, bytes) else content
    try:
        _media.put(key, source)
    except OSError as error:
        raise refusal(error) from error


@contextlib.contextmanager
def together() -> Iterator[None]:
    """Let the files that are put within be durable at the end, all of them: sooner than one by one.

    Only for files that are known to nobody before their row is: power that fails within may leave halves.

    Raises
    ------
    StorageUnavailable
        As `put`.
    """
    try:
        with _media.together():
            yield
    except OSError as error:
        raise refusal(error) from error


def refusal(error: OSError) -> StorageUnavailable:
    """Return what to tell people about a write that failed, and tell the keepers of the site when the disk is full."""
    if error.errno not in _FULL:
        return StorageUnavailable()
    logger.error("The disk that holds the pictures is full. %s", error)
    return StorageFull()


def open_file(key: str) -> IO[bytes]:
    """Open for reading.

    Raises
    ------
    StorageUnavailable
        When it is not there or cannot be read.
    """
    with _answering():
        return _media.open(key)


def open_existing(key: str, *, in_parts: bool = False) -> IO[bytes] | None:
    """Open for reading; return None when there is no such file.

    Parameters
    ----------
    in_parts : bool
        Whether only parts of it will be read, after `seek`: what is not read is not fetched either.

    Raises
    ------
    StorageUnavailable
        When it cannot be read.
    """
    with _answering(), contextlib.suppress(FileNotFoundError):
        return _media.open_in_parts(key) if in_parts else _media.open(key)
    return None


def read(key: str) -> bytes:
    """Return a whole file.

    Raises
    ------
    StorageUnavailable
        When it is not there or cannot be read.
    """
    with _answering(), _media.open(key) as file:
        return file.read()


def exists(key: str) -> bool:
    """Return whether there is a file.

    Raises
    ------
    StorageUnavailable
        When the storage does not say.
    """
    with _answering():
        return _media.exists(key)


def local_path(key: str) -> Path:
    """Return where a file stands on this machine's disk; raises NotImplementedError where files stand elsewhere."""
    return Path(default_storage.path(key))


def temporary_url(key: str, *, disposition: str) -> str:
    """Return an address at the storage itself that gives a file as a download for a minute (S3)."""
    answer_with = {"ResponseContentType": "application/octet-stream", "ResponseContentDisposition": disposition}
    return str(default_storage.url(key, parameters=answer_with))  # type: ignore[call-arg] # S3's has it


def size(key: str) -> int | None:
    """Return the bytes of a file; None when it is not there.

    Raises
    ------
    StorageUnavailable
        When the storage does not say.
    """
    with _answering(), contextlib.suppress(FileNotFoundError):
        return _media.size(key)
    return None


def sha256(key: str) -> str:
    """Return the SHA-256 of a file, in hexadecimal.

    Raises
    ------
    StorageUnavailable
        When it is not there or cannot be read.
    """
    with _answering(), _media.open(key) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type] # reads any binary file


def delete(key: str) -> None:
    """Delete one file; one that is gone already is no error.

    Raises
    ------
    StorageUnavailable
        When the storage does not do it.
    """
    with _answering():
        _media.delete(key)


def delete_prefix(prefix: str, *, keep: Collection[str] = ()) -> None:
    """Delete everything below `prefix`, except for the folders `keep` in it; what is gone already is no error.

    Raises
    ------
    StorageUnavailable
        When the storage does not do it, or not all.
    """
    with _answering():
        _media.delete_prefix(prefix, keep=keep)


def walk(prefix: str) -> Iterator[Stored]:
    """List all files below `prefix`, folder after folder in the order of their names. Nothing there is no error.

    Raises
    ------
    StorageUnavailable
        When the storage does not say.
    """
    with _answering():
        yield from _media.walk(prefix)


def remove_empty_folders(prefix: str, *, before: datetime) -> None:
    """Remove folders below `prefix` that have held nothing since `before`, where the storage has folders."""
    _media.remove_empty_folders(prefix, before=before)


def now() -> datetime:
    """Return the time by the storage's own clock, which stamps the files: workers' clocks may differ from it.

    Raises
    ------
    StorageUnavailable
        When the storage does not answer.
    """
    key = f"{CLOCK}/{uuid.uuid4()}"
    put(key, b"")
    try:
        with _answering():
            return _media.get_modified_time(key).astimezone(UTC)
    finally:
        delete(key)


def space_left() -> tuple[int, int] | None:
    """Return the bytes that are free on the disk of the pictures, and its size; None for a storage without an end."""
    return _media.space_left()


def incoming_folder() -> Path | None:
    """Return where uploads wait until they are inspected; None for the system's place, beside an object store.

    It is on the disk of the pictures, where the sweep finds what a killed process leaves.
    """
    return _media.folder(INCOMING)


def warm() -> None:
    """Load now what the first use of the storage would load; children that are forked afterwards have it."""
    _media.warm()


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    """Say in the site's words that the storage has failed."""
    try:
        yield
    except OSError as error:
        raise StorageUnavailable from error
