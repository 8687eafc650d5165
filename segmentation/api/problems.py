"""Error responses of the API: problem details (RFC 9457) with stable codes."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, AuthorizationError, HttpError, ValidationError

from segmentation import formatting
from segmentation.engine.exceptions import SegmentationError
from segmentation.http import problem, problem_of


class Problem(Schema):
    """Problem details of RFC 9457, with a stable code."""

    type: str
    title: str
    status: int
    detail: str
    code: str


ERRORS: dict[int, Any] = dict.fromkeys((400, 401, 403, 404, 409, 413, 415, 422, 429, 503), Problem)
"""Error responses of every operation, for its schema."""


def register(api: NinjaAPI) -> None:
    """Register the error handlers on `api`."""
    for error, handler in _HANDLERS.items():
        api.add_exception_handler(error, handler)


def _domain_error(_request: HttpRequest, error: SegmentationError) -> HttpResponse:
    return problem_of(error)


def _not_authenticated(_request: HttpRequest, _error: Exception) -> HttpResponse:
    return problem(HTTPStatus.UNAUTHORIZED, "not_authenticated", _("Sign in first."))


def _permission_denied(_request: HttpRequest, _error: Exception) -> HttpResponse:
    return problem(HTTPStatus.FORBIDDEN, "permission_denied", _("You may see this, but not change it."))


def _not_found(_request: HttpRequest, _error: Exception) -> HttpResponse:
    return problem(HTTPStatus.NOT_FOUND, "not_found", _("There is nothing at this address."))


def _invalid(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    first = error.errors[0]
    where = ".".join(str(part) for part in first["loc"][1:])
    detail = _("The request is not valid: %(where)s: %(what)s.") % {
        "where": where,
        "what": first["msg"],
    }
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", detail)


def _too_large(_request: HttpRequest, _error: Exception) -> HttpResponse:
    limit = formatting.filesize(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    detail = _("The body is larger than %(limit)s, the limit for everything except files.") % {"limit": limit}
    return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", detail)


def _http_error(_request: HttpRequest, error: HttpError) -> HttpResponse:
    """Return the response to an error of django-ninja: a missing CSRF token, or a body that cannot be parsed."""
    status = HTTPStatus(error.status_code)
    if status == HTTPStatus.FORBIDDEN:
        detail = _("The CSRF token is missing or wrong. Send the token of this session in the header X-CSRFToken.")
        return problem(status, "permission_denied", detail)
    return problem(status, "invalid_request", _("The body of the request cannot be read. Send JSON in UTF-8."))


_HANDLERS: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
    SegmentationError: _domain_error,
    AuthenticationError: _not_authenticated,
    AuthorizationError: _permission_denied,
    PermissionDenied: _permission_denied,
    Http404: _not_found,
    ValidationError: _invalid,
    RequestDataTooBig: _too_large,
    HttpError: _http_error,
}
