"""Files of an attempt, stored and read by its child: tried again while the storage does not answer."""

import hashlib
import time
from collections.abc import Callable
from typing import Any, TypeVar

from segmentation import files
from segmentation.exceptions import StorageUnavailable

T = TypeVar("T")

_PAUSES = (0.2, 0.8, 2.0)  # seconds before each further try, while the storage does not answer


def with_retries(action: Callable[[], T]) -> T:
    """Call `action` again while the storage does not answer; the parent writes heartbeats meanwhile.

    Raises
    ------
    StorageUnavailable
        When it has not answered for some seconds.
    """
    for pause in _PAUSES:
        try:
            return action()
        except StorageUnavailable:
            time.sleep(pause)
    return action()


def store(key: str, data: bytes) -> dict[str, Any]:
    """Store a file and return what its row says of it."""
    with_retries(lambda: files.put(key, data))
    return {
        "key": key,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "content_type": _content_type(data),
    }


def _content_type(data: bytes) -> str:
    signatures = {b"\x89PNG": "image/png", b"\xff\xd8": "image/jpeg", b"RIFF": "image/webp"}
    return next((kind for begins, kind in signatures.items() if data.startswith(begins)), "application/octet-stream")
