"""The access log: one line for each request, with the same ids as the other log lines of that request."""

import logging
from typing import Any

from gmmsite import logs

logger = logging.getLogger(logs.REQUESTS)


def write(task: Any, *, seconds: float) -> None:
    """Log a request that waitress has answered. The line has the route instead of the path, because a path can contain a token."""
    if task.environ is None or not logger.isEnabledFor(logging.INFO):
        return
    fields = {
        "method": task.environ["REQUEST_METHOD"],
        "status": int(task.status.split(maxsplit=1)[0]),
        "milliseconds": round(seconds * 1000, 1),
        "bytes": task.content_bytes_written or task.content_length or 0,
    }
    logger.info("request", extra={**fields, **task.environ.get(logs.ACCESS, {})})
