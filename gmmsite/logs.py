"""Configuration of logging for every process: text lines for a terminal, or one JSON object a line for a log collector.

The code logs with the standard library. The ids of request, person, run, attempt and worker are bound to structlog's context
variables where the work begins, and are added to every line.

Logs may be sent elsewhere and kept for long, so they contain no file names, e-mail addresses or tokens.
"""

import logging
import re
import sys
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured
from structlog.typing import EventDict, Processor, WrappedLogger

FORMATS = ("console", "json")
REQUESTS = "gmmsite.requests"  # the logger with a line for each request
ACCESS = "gmmsite.access"  # key in the environment of a request with the ids for its log lines
# E-mail addresses, also in messages of exceptions
_ADDRESS = re.compile(r"[^\s<>\"'(){}\[\],;:=]+@[^\s<>\"'(){}\[\],;:=]+\.\w+")


def configuration(*, log_format: str, level: str) -> dict[str, Any]:
    """Return the dictionary for `logging.config`.

    Parameters
    ----------
    log_format
        `console` or `json`.
    level
        The lowest level of the application's loggers that is written.

    Raises
    ------
    ImproperlyConfigured
        When `log_format` is another one.
    """
    if log_format not in FORMATS:
        raise ImproperlyConfigured(f"LOG_FORMAT is console or json, not {log_format!r}.")
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _shared_processors(),
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *_final_processors(log_format),
                ],
            }
        },
        "filters": {"requests": {"()": WithoutPaths}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["requests"]}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "segmentation": {"level": level},
            "gmmsite": {"level": level},
            REQUESTS: {"level": "INFO" if log_format == "json" else "WARNING"},
            "django": {"level": "WARNING"},
            "django.request": {"level": "ERROR"},  # client errors are in the access log
        },
    }


class WithoutPaths(logging.Filter):
    """Log filter that replaces the path of a request by its route, because links to reset a password contain a token.

    It also adds the ids to lines that Django logs after the middleware has cleared the context.
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


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(
            allow=("method", "status", "milliseconds", "bytes", "request_id", "user_id", "route", "run_id", "image_id")
        ),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _final_processors(log_format: str) -> list[Processor]:
    if log_format == "json":
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
