"""One line of the log for each request that was answered, with the ids that its own lines had."""

import logging
from typing import Any

from gmmsite import logs

logger = logging.getLogger(logs.REQUESTS)


def write(task: Any, *, seconds: float) -> None:
    """Log an answered request of waitress: the route and not the path, which can hold a token.

    A static file has no secret in its name, and no route.
    """
    if task.environ is None or not logger.isEnabledFor(logging.INFO):
        return
    fields = {
        "method": task.environ["REQUEST_METHOD"],
        "status": int(task.status.split(maxsplit=1)[0]),
        "milliseconds": round(seconds * 1000, 1),
        "bytes": task.content_bytes_written or task.content_length or 0,
    }
    logger.info("request", extra={**fields, **task.environ.get(logs.ACCESS, {})})
