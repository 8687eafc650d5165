"""Helpers for requests and responses: look-ups with permissions, error responses, headers, the theme."""

import uuid
from http import HTTPStatus
from typing import Protocol, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse

from segmentation import access
from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.forms import sentence
from segmentation.models import User

M = TypeVar("M", bound=Model)
M_co = TypeVar("M_co", bound=Model, covariant=True)

API_ROOT = "/api/"
PROBLEM_TYPE = "application/problem+json"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(
        f"{feature}=()"
        for feature in (
            *("accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "geolocation", "gyroscope"),
            *("magnetometer", "microphone", "midi", "payment", "publickey-credentials-get", "screen-wake-lock", "usb"),
            *("xr-spatial-tracking",),
        )
    ),
}
"""Headers of every response: other sites cannot embed, frame or read it, and pages cannot use devices of the client."""

THEMES = ("light", "dark")  # no value: that of the operating system
THEME_COOKIE = "theme"

_STATUS = {
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "unsupported_format": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "quota_bytes": HTTPStatus.FORBIDDEN,
    "quota_images": HTTPStatus.FORBIDDEN,
    "quota_runs": HTTPStatus.TOO_MANY_REQUESTS,
    "rate_limited": HTTPStatus.TOO_MANY_REQUESTS,
    "busy": HTTPStatus.SERVICE_UNAVAILABLE,
    "storage_unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
    "revision_conflict": HTTPStatus.CONFLICT,
    "state_conflict": HTTPStatus.CONFLICT,
    "not_found": HTTPStatus.NOT_FOUND,
    "internal_error": HTTPStatus.INTERNAL_SERVER_ERROR,
}
_NOT_FOUND = gettext_noop("This picture or run was deleted, or it belongs to somebody else.")
_RETRY_SECONDS = 10
_TRY_AGAIN = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}


class SignedInRequest(HttpRequest):
    """A request of a person who is signed in; for annotations behind `login_required` and the API's authentication."""

    user: User


class Owned(Protocol[M_co]):
    """A queryset of a model with an owner."""

    def visible_to(self, user: User | AnonymousUser) -> QuerySet[M_co]: ...


def get_visible_or_404(things: Owned[M], *, user: User | AnonymousUser, pk: uuid.UUID) -> M:
    """Return the object with the primary key `pk`, if `user` may see it.

    Raises
    ------
    SegmentationError
        With `not_found`, both when it does not exist and when `user` may not see it.
    """
    try:
        return things.visible_to(user).get(pk=pk)
    except ObjectDoesNotExist:
        raise SegmentationError("not_found", _NOT_FOUND) from None


def get_changeable(things: Owned[M], *, user: User | AnonymousUser, pk: uuid.UUID) -> M:
    """Return the object with the primary key `pk`, if `user` may change it.

    Raises
    ------
    SegmentationError
        As `get_visible_or_404`.
    PermissionDenied
        When `user` may see it but not change it.
    """
    thing = get_visible_or_404(things, user=user, pk=pk)
    if not access.may_change(user=user, thing=thing):
        raise PermissionDenied
    return thing


def get_deletable(things: Owned[M], *, user: User | AnonymousUser, pk: uuid.UUID) -> M:
    """Return the object with the primary key `pk`, if `user` may delete it; otherwise raises as `get_changeable` does."""
    thing = get_visible_or_404(things, user=user, pk=pk)
    if not access.may_delete(user=user, thing=thing):
        raise PermissionDenied
    return thing


def theme(request: HttpRequest) -> str:
    """Return the theme that was chosen in this browser; an empty string for that of the operating system."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""


def is_api(request: HttpRequest) -> bool:
    """Return whether a request is for the API, whose errors are always sent as problem details."""
    return request.path_info.startswith(API_ROOT)


def wants_page(request: HttpRequest) -> bool:
    """Return whether the response should be a page: the client accepts HTML, and the request is not for the API.

    Browsers accept HTML when they navigate, but not when they load pictures; neither do scripts.
    """
    return not is_api(request) and "text/html" in request.headers.get("Accept", "")


def status_of(error: SegmentationError) -> HTTPStatus:
    """Return the HTTP status for a domain error."""
    return _STATUS.get(error.code, HTTPStatus.UNPROCESSABLE_ENTITY)


def problem(status: HTTPStatus, code: str, detail: str) -> HttpResponse:
    """Return a response with problem details (RFC 9457), which include an error code of the application."""
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail, "code": code}
    response = JsonResponse(body, status=status, content_type=PROBLEM_TYPE)
    if status in _TRY_AGAIN:
        response.headers["Retry-After"] = str(_RETRY_SECONDS)
    return response


def problem_of(error: SegmentationError) -> HttpResponse:
    """Return the response with problem details for a domain error, with `Retry-After` where it makes sense."""
    return with_retry_after(problem(status_of(error), error.code, sentence(error)), error)


def with_retry_after(response: HttpResponse, error: SegmentationError) -> HttpResponse:
    """Set `Retry-After` in a response with status 429 or 503, to the value of the error or else to 10 s."""
    if response.status_code in _TRY_AGAIN:
        response.headers["Retry-After"] = str(error.values.get("retry_after", _RETRY_SECONDS))
    return response
