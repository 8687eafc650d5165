"""Middleware that applies to every response, whichever view or middleware has made it."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from segmentation.http import HEADERS, PROBLEM_TYPE, is_api, problem

_GetResponse = Callable[[HttpRequest], HttpResponseBase]

_PROBLEMS: dict[HTTPStatus, tuple[str, Promise]] = {
    HTTPStatus.FORBIDDEN: ("permission_denied", gettext_lazy("You may not do this.")),
    HTTPStatus.NOT_FOUND: ("not_found", gettext_lazy("There is nothing at this address.")),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "invalid_request",
        gettext_lazy("This address does not take this method. The header Allow names those that it takes."),
    ),
}
_UNREADABLE = (
    "invalid_request",
    gettext_lazy("The request cannot be read. Compare it with the description of the API."),
)
_FAULT = (
    "internal_error",
    gettext_lazy("A fault in the program. Tell the administrators of this site the X-Request-ID of this answer."),
)


class AnswerHeaders:
    """Set security headers, and forbid caching unless the response has a `Cache-Control` of its own.

    Static files and pictures have one. Any other response may contain personal data or a CSRF token.
    """

    def __init__(self, get_response: _GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class ApiProblems:
    """Send every error at a URL of the API as problem details, also those that do not come from an API operation.

    Examples are a URL that does not exist, a method that is not allowed, and a request that Django itself rejects.
    """

    def __init__(self, get_response: _GetResponse) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self._get_response(request)
        is_error = response.status_code >= HTTPStatus.BAD_REQUEST
        if not (is_error and is_api(request)) or response.headers.get("Content-Type") == PROBLEM_TYPE:
            return response
        status = HTTPStatus(response.status_code)
        code, detail = _PROBLEMS.get(status, _FAULT if status >= HTTPStatus.INTERNAL_SERVER_ERROR else _UNREADABLE)
        answer = problem(status, code, str(detail))
        for name, value in response.headers.items():
            if name not in {"Content-Type", "Content-Length"}:
                answer.headers[name] = value
        answer.cookies = response.cookies
        return answer
