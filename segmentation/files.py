"""Media storage: keys, durable put, open, delete by prefix. What lies behind it is the setting's business.

Keys come from UUIDs, never from what a person typed. A key is written once and never overwritten: what replaces a file
has another lease or revision in its key.
"""

import uuid
from typing import IO, cast

from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage

from segmentation.exceptions import StorageUnavailable
from segmentation.storage import Media

_media = cast("Media", default_storage)


def image_key(image_id: uuid.UUID, name: str) -> str:
    """Key of an image's `original`, `display` or `thumbnail`."""
    return f"images/{image_id}/{name}"


def image_prefix(image_id: uuid.UUID) -> str:
    return f"images/{image_id}"


def run_key(run_id: uuid.UUID, lease: uuid.UUID, name: str) -> str:
    """Key of a file that one attempt of a run has made."""
    return f"runs/{run_id}/{lease}/{name}"


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
        _media.put(key, source)
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
        return _media.open(key)
    except OSError as error:
        raise StorageUnavailable from error


def read(key: str) -> bytes:
    """Return a whole file.

    Raises
    ------
    StorageUnavailable
        When it is not there or cannot be read.
    """
    try:
        with _media.open(key) as file:
            return file.read()
    except OSError as error:
        raise StorageUnavailable from error


def exists(key: str) -> bool:
    """Return whether there is a file.

    Raises
    ------
    StorageUnavailable
        When the storage does not say.
    """
    try:
        return _media.exists(key)
    except OSError as error:
        raise StorageUnavailable from error


def delete_prefix(prefix: str, *, keep: str = "") -> None:
    """Delete everything below `prefix`, except for the folder `keep` in it; what is gone already is no error.

    Raises
    ------
    StorageUnavailable
        When the storage does not do it, or not all.
    """
    try:
        _media.delete_prefix(prefix, keep=keep)
    except OSError as error:
        raise StorageUnavailable from error


def warm() -> None:
    """Load now what the first use of the storage would load; children that are forked afterwards have it."""
    _media.warm()
