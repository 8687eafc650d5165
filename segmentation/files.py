"""Media storage: keys, durable put, open, delete by prefix. Works on local files and on S3 alike.

Keys come from UUIDs, never from what a person typed. A key is written once and never overwritten: what replaces a file
has another lease or revision in its key.
"""

import errno
import hashlib
import logging
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, default_storage

from segmentation.exceptions import StorageFull, StorageUnavailable

logger = logging.getLogger(__name__)

IMAGES, RUNS, INPUTS = "images", "runs", "inputs"
INCOMING, CLOCK = "incoming", "clock"  # uploads on their way, probes of the storage's clock: nothing in them stays
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_OF_REVISION = re.compile(r"(?:labels|segmented|binary)\.([0-9]+)\.png")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A file as the storage lists it."""

    key: str
    bytes: int
    modified: datetime  # by the storage's clock


def image_key(image_id: uuid.UUID, name: str) -> str:
    """Key of an image's `original`, `display` or `thumbnail`."""
    return f"{IMAGES}/{image_id}/{name}"


def image_prefix(image_id: uuid.UUID) -> str:
    return f"{IMAGES}/{image_id}"


def run_key(run_id: uuid.UUID, lease: uuid.UUID, name: str) -> str:
    """Key of a file that one attempt of a run has made."""
    return f"{RUNS}/{run_id}/{lease}/{name}"


def run_prefix(run_id: uuid.UUID, lease: uuid.UUID | None = None) -> str:
    """Return the prefix of all files of a run, or of one of its attempts."""
    return f"{RUNS}/{run_id}" if lease is None else f"{RUNS}/{run_id}/{lease}"


def rendition_name(picture: str, revision: int) -> str:
    """Return how `labels`, `segmented` or `binary` of a revision is called in the folder of the result."""
    return f"{picture}.png" if revision == 0 else f"{picture}.{revision}.png"


def revision_of(name: str) -> int | None:
    """Return the revision that a rendition was made for; None for the first, which stays, and for all other files."""
    found = _OF_REVISION.fullmatch(name)
    return int(found[1]) if found else None


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
        if isinstance(default_storage, FileSystemStorage):
            _put_local(Path(default_storage.path(key)), source)
        else:
            stored = default_storage.save(key, source)
            if stored != key:  # another process has put the same file meanwhile
                default_storage.delete(stored)
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
    try:
        return default_storage.open(key)
    except OSError as error:
        raise StorageUnavailable from error


def read(key: str) -> bytes:
    with open_file(key) as file:
        return file.read()


def exists(key: str) -> bool:
    return default_storage.exists(key)


def size(key: str) -> int | None:
    """Return the bytes of a file; None when it is not there."""
    try:
        return default_storage.size(key)
    except FileNotFoundError:
        return None


def sha256(key: str) -> str:
    """Return the SHA-256 of a file, in hexadecimal.

    Raises
    ------
    StorageUnavailable
        When it is not there or cannot be read.
    """
    with open_file(key) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type] # reads any binary file


def delete(key: str) -> None:
    """Delete one file; one that is gone already is no error."""
    default_storage.delete(key)


def delete_prefix(prefix: str) -> None:
    """Delete everything below `prefix`; what is gone already is no error."""
    try:
        folders, names = default_storage.listdir(prefix)
    except (FileNotFoundError, NotADirectoryError):
        return
    for folder in folders:
        delete_prefix(f"{prefix}/{folder}")
    for name in names:
        default_storage.delete(f"{prefix}/{name}")
    if isinstance(default_storage, FileSystemStorage):
        _remove_empty(Path(default_storage.path(prefix)))


def walk(prefix: str) -> Iterator[Stored]:
    """List all files below `prefix`, folder after folder in the order of their names. Nothing there is no error."""
    if isinstance(default_storage, FileSystemStorage):
        yield from _walk_local(Path(default_storage.path(prefix)), prefix)
    else:
        bucket: Any = default_storage.bucket  # type: ignore[attr-defined] # one request for each thousand files
        for entry in bucket.objects.filter(Prefix=f"{prefix}/"):
            yield Stored(key=entry.key, bytes=entry.size, modified=entry.last_modified)


def remove_empty_folders(prefix: str, *, before: datetime) -> None:
    """Remove folders below `prefix` that have held nothing since `before`; object stores have no folders."""
    if isinstance(default_storage, FileSystemStorage):
        for path, _folders, _names in os.walk(default_storage.path(prefix), topdown=False):
            if path != default_storage.path(prefix) and Path(path).stat().st_mtime < before.timestamp():
                _remove_empty(Path(path))


def now() -> datetime:
    """Return the time by the storage's own clock, which stamps the files: workers' clocks may differ from it."""
    key = f"{CLOCK}/{uuid.uuid4()}"
    put(key, b"")
    try:
        return default_storage.get_modified_time(key).astimezone(UTC)
    finally:
        delete(key)


def space_left() -> tuple[int, int] | None:
    """Return the bytes that are free on the disk of the pictures, and its size; None for an object store, which has no end."""
    if not isinstance(default_storage, FileSystemStorage):
        return None
    usage = shutil.disk_usage(default_storage.location)
    return usage.free, usage.total


def incoming_folder() -> Path | None:
    """Return where uploads wait until they are inspected; None for the system's place, beside an object store.

    It is on the disk of the pictures, where the sweep finds what a killed process leaves.
    """
    if not isinstance(default_storage, FileSystemStorage):
        return None
    folder = Path(default_storage.path(INCOMING))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _walk_local(folder: Path, prefix: str) -> Iterator[Stored]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        key = f"{prefix}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from _walk_local(folder / entry.name, key)
        else:
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # deleted meanwhile, or a draft that was renamed
            yield Stored(key=key, bytes=status.st_size, modified=datetime.fromtimestamp(status.st_mtime, tz=UTC))


def _put_local(path: Path, source: File[bytes]) -> None:
    """Write beside the place, flush to the disk, then rename: a crash leaves the whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with draft.open("xb") as target:
            for chunk in source.chunks():
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        draft.rename(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def flush_folder(folder: Path) -> None:
    """Make new names in a folder of this machine durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # somebody has put a file there meanwhile, or it is gone
