"""Storage access for the child process of an attempt, with retries while the storage does not answer."""

import hashlib
import time
from collections.abc import Callable
from typing import Any, TypeVar

from segmentation import files
from segmentation.exceptions import StorageUnavailable

T = TypeVar("T")

_PAUSES = (0.2, 0.8, 2.0)  # seconds before each retry


def with_retries(action: Callable[[], T]) -> T:
    """Call `action`, and again while it raises StorageUnavailable; return its result.

    Raises
    ------
    StorageUnavailable
        When the last retry fails, after 3 s.
    """
    for pause in _PAUSES:
        try:
            return action()
        except StorageUnavailable:
            time.sleep(pause)
    return action()


def store(key: str, data: bytes) -> dict[str, Any]:
    """Store a file, and return its key, size, SHA-256 and content type for the row."""
    with_retries(lambda: files.put(key, data))
    return {
        "key": key,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "content_type": _content_type(data),
    }


def _content_type(data: bytes) -> str:
    signatures = {b"\x89PNG": "image/png", b"\xff\xd8": "image/jpeg", b"RIFF": "image/webp"}
    return next(
        (media_type for start, media_type in signatures.items() if data.startswith(start)), "application/octet-stream"
    )
