"""Middleware that adds the ids of request and person to log lines."""

import contextlib
import re
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from structlog.contextvars import bind_contextvars, clear_contextvars, get_contextvars

from gmmsite.logs import ACCESS

HEADER = "X-Request-ID"
_VALID_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


class LogContext:
    """Binds the ids of request and person and the route to the log context, and sets the header `X-Request-ID`.

    A valid id that comes with the request is kept, so that log lines of a proxy can be matched; any other is replaced.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.headers.get(HEADER, "")
        request_id = given if _VALID_ID.fullmatch(given) else uuid.uuid4().hex
        clear_contextvars()
        bind_contextvars(request_id=request_id)
        try:
            response = self._get_response(request)
        finally:
            request.META[ACCESS] = get_contextvars()
            clear_contextvars()
        response.headers[HEADER] = request_id
        return response

    def process_view(self, request: HttpRequest, *_view: Any) -> None:
        """Bind the values that are known after the URL was resolved and the session was loaded."""
        match = request.resolver_match
        if match is not None:
            ids = {name: str(match.kwargs[name]) for name in ("image_id", "run_id") if name in match.kwargs}
            bind_contextvars(route=f"/{match.route}", **ids)  # not the path: links in e-mails contain a token
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return
        with contextlib.suppress(DatabaseError):  # the view reports it
            if request.user.is_authenticated:
                bind_contextvars(user_id=request.user.pk)
