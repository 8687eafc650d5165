"""How every process of the site writes its log: lines for a terminal, or one JSON object a line for a collector.

The code logs with the standard library. What a line belongs to (request, person, run, attempt, worker) is bound in
structlog's context variables by whoever begins that work, and stands in every line that is logged meanwhile.

Logs leave the machine and are kept for long: names of files, e-mail addresses and tokens never stand in them.
"""

import logging
import re
import sys
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured
from structlog.typing import EventDict, Processor, WrappedLogger

FORMS = ("console", "json")
REQUESTS = "gmmsite.requests"  # the logger with a line for each request
ACCESS = "gmmsite.access"  # where, in the environment of a request, the ids of its lines are kept
_ADDRESS = re.compile(r"[^\s<>\"'(){}\[\],;:=]+@[^\s<>\"'(){}\[\],;:=]+\.\w+")  # of mail, in whatever an exception says


def configuration(*, form: str, level: str) -> dict[str, Any]:
    """Return the dictionary for `logging.config`.

    Parameters
    ----------
    form
        `console` or `json`.
    level
        From which level on the application's own lines are written.

    Raises
    ------
    ImproperlyConfigured
        When `form` is another one.
    """
    if form not in FORMS:
        raise ImproperlyConfigured(f"LOG_FORMAT is console or json, not {form!r}.")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _about_the_line(),
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_written(form)],
            }
        },
        "filters": {"requests": {"()": AboutRequests}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["requests"]}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "segmentation": {"level": level},
            "gmmsite": {"level": level},
            REQUESTS: {"level": "INFO" if form == "json" else "WARNING"},
            "django": {"level": "WARNING"},
            "django.request": {"level": "ERROR"},  # the access log has the refusals
        },
    }


class AboutRequests(logging.Filter):
    """Takes the path out of what Django and waitress say of a request: links for a new password have their token in it.

    What it says after the middleware is done gets the ids here, which are bound no longer.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "waitress" and isinstance(record.args, tuple):
            record.args = tuple("a request" if str(part).startswith("/") else part for part in record.args)
        request = getattr(record, "request", None)
        path = getattr(request, "path", None)
        if request is not None and path is not None and isinstance(record.args, tuple):
            vars(record).update(request.META.get(ACCESS, {}))
            match = getattr(request, "resolver_match", None)
            record.args = tuple(
                (f"/{match.route}" if match else "a page that does not exist") if part == path else part
                for part in record.args
            )
        return True


def _about_the_line() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(
            allow=("method", "status", "milliseconds", "bytes", "request_id", "user_id", "route", "run_id", "image_id")
        ),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _written(form: str) -> list[Processor]:
    if form == "json":
        return [
            structlog.processors.format_exc_info,
            _without_mail_addresses,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    return [
        structlog.processors.format_exc_info,
        _without_mail_addresses,
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0, pad_level=False),
    ]


def _without_mail_addresses(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for name in ("event", "exception"):
        if isinstance(event.get(name), str):
            event[name] = _ADDRESS.sub("[address]", event[name])
    return event
