"""gunicorn's log in the form of all others: one line a request, with the ids that its own lines had."""

import logging.config
import os
from datetime import timedelta
from typing import Any

from gunicorn.glogging import Logger

from gmmsite import logs

_FORM = os.environ.get("LOG_FORMAT") or "console"
_LEVEL = os.environ.get("LOG_LEVEL") or "INFO"


class StructuredLogger(Logger):  # type: ignore[misc] # gunicorn publishes no types
    """Writes through the site's own handlers; the arbiter reads no Django settings, so they are configured here, too."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        logging.config.dictConfig(logs.configuration(form=_FORM, level=_LEVEL))
        for log in (self.error_log, self.access_log):
            log.handlers.clear()
            log.propagate = True

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        """Log the route and not the path, which can hold a token; a static file has no secret in its name."""
        if not self.access_log.isEnabledFor(logging.INFO):
            return
        facts = {
            "method": req.method,
            "status": int(str(resp.status).split(maxsplit=1)[0]),
            "milliseconds": round(request_time.total_seconds() * 1000, 1),
            "bytes": resp.sent,
        }
        self.access_log.info("request", extra={**facts, **environ.get(logs.ACCESS, {})})
