"""Errors of the API: problem details (RFC 9457) with the stable codes of this project."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, AuthorizationError, HttpError, ValidationError

from segmentation.engine.exceptions import SegmentationError
from segmentation.http import problem, problem_of


class Problem(Schema):
    """What went wrong, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
    code: str


_CODES = {
    HTTPStatus.UNAUTHORIZED: "not_authenticated",
    HTTPStatus.FORBIDDEN: "permission_denied",
    HTTPStatus.NOT_FOUND: "not_found",
}

ERRORS: dict[int, Any] = dict.fromkeys((400, 401, 403, 404, 409, 413, 415, 422, 429, 503), Problem)
"""Responses that any operation may give, for its schema."""


def register(api: NinjaAPI) -> None:
    """Let `api` answer every error with problem details."""

    @api.exception_handler(SegmentationError)
    def domain_error(_request: HttpRequest, error: SegmentationError) -> HttpResponse:
        return problem_of(error)

    @api.exception_handler(AuthenticationError)
    def not_authenticated(_request: HttpRequest, _error: AuthenticationError) -> HttpResponse:
        return problem(HTTPStatus.UNAUTHORIZED, "not_authenticated", _("Sign in first."))

    @api.exception_handler(AuthorizationError)
    @api.exception_handler(PermissionDenied)
    def permission_denied(_request: HttpRequest, _error: Exception) -> HttpResponse:
        return problem(HTTPStatus.FORBIDDEN, "permission_denied", _("You may see this, but not change it."))

    @api.exception_handler(Http404)
    def not_found(_request: HttpRequest, _error: Http404) -> HttpResponse:
        return problem(HTTPStatus.NOT_FOUND, "not_found", _("There is nothing at this address."))

    @api.exception_handler(ValidationError)
    def invalid(_request: HttpRequest, error: ValidationError) -> HttpResponse:
        first = error.errors[0]
        where = ".".join(str(part) for part in first["loc"][1:])
        detail = _("The request does not fit its description: %(where)s: %(what)s.") % {
            "where": where,
            "what": first["msg"],
        }
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", detail)

    @api.exception_handler(HttpError)
    def http_error(_request: HttpRequest, error: HttpError) -> HttpResponse:
        status = HTTPStatus(error.status_code)
        return problem(status, _CODES.get(status, "invalid_request"), str(error))
