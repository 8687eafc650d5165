"""Media storage: keys, durable put, open, delete by prefix. Works on local files and on S3 alike.

Keys come from UUIDs, never from what a person typed. A key is written once and never overwritten: what replaces a file
has another lease or revision in its key.
"""

import os
import shutil
import uuid
from pathlib import Path
from typing import IO

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, default_storage

from segmentation.exceptions import StorageUnavailable


def image_key(image_id: uuid.UUID, name: str) -> str:
    """Key of an image's `original`, `display` or `thumbnail`."""
    return f"images/{image_id}/{name}"


def image_prefix(image_id: uuid.UUID) -> str:
    return f"images/{image_id}"


def run_key(run_id: uuid.UUID, lease: uuid.UUID, name: str) -> str:
    """Key of a file that one attempt of a run has made."""
    return f"runs/{run_id}/{lease}/{name}"


def mask_key(image_id: uuid.UUID, sha256: str) -> str:
    """Key of a mask that was uploaded for an image and waits for a run; each run keeps a copy of its own."""
    return f"images/{image_id}/masks/{sha256}.png"


def run_input_key(run_id: uuid.UUID, sha256: str) -> str:
    """Key of a file that the inputs of a run name by its hash; no attempt's lease, so that it outlives them all."""
    return f"runs/{run_id}/inputs/{sha256}.png"


def run_prefix(run_id: uuid.UUID, lease: uuid.UUID | None = None) -> str:
    """Return the prefix of all files of a run, or of one of its attempts."""
    return f"runs/{run_id}" if lease is None else f"runs/{run_id}/{lease}"


def put(key: str, content: bytes | File[bytes]) -> None:
    """Store a whole file durably under `key`, or nothing at all. A file that stands there already stays.

    Raises
    ------
    StorageUnavailable
        When the storage does not take it; nothing is left behind.
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
        raise StorageUnavailable from error


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


def local_path(key: str) -> Path:
    """Return where a file stands on this machine's disk; raises NotImplementedError where files stand elsewhere."""
    return Path(default_storage.path(key))


def temporary_url(key: str, *, disposition: str) -> str:
    """Return an address at the storage itself that gives a file as a download for a minute (S3)."""
    answer_with = {"ResponseContentType": "application/octet-stream", "ResponseContentDisposition": disposition}
    return str(default_storage.url(key, parameters=answer_with))  # type: ignore[call-arg] # S3's has it


def space_left() -> tuple[int, int] | None:
    """Return the free and the total bytes of the disk with the pictures; None where that has no meaning, as on S3."""
    if not isinstance(default_storage, FileSystemStorage):
        return None
    usage = shutil.disk_usage(default_storage.location)
    return usage.free, usage.total


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
    _flush_folder(path.parent)


def _flush_folder(folder: Path) -> None:
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
