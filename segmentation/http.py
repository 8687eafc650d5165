"""Helpers for requests and responses: look-ups with permission checks, the theme, error responses, headers."""

import uuid
from http import HTTPStatus
from typing import Protocol, TypeVar

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse

from segmentation import access
from segmentation.engine.exceptions import SegmentationError
from segmentation.exceptions import NotFound
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
"""Headers of every response. No other site may embed, frame or read it, and pages may not use the devices of the computer."""

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
_RETRY_SECONDS = 10
_TRY_AGAIN = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}


class SignedInRequest(HttpRequest):
    """Request of a signed-in person, for annotations of views that require a sign-in."""

    user: User


class Owned(Protocol[M_co]):
    """Queryset of a model with an owner."""

    def visible_to(self, user: User | AnonymousUser) -> QuerySet[M_co]: ...


def get_visible_or_404(queryset: Owned[M], *, user: User | AnonymousUser, pk: uuid.UUID) -> M:
    """Return the object with the key `pk`, if `user` may see it.

    Raises
    ------
    NotFound
        If the object does not exist or `user` may not see it; the response does not tell which.
    """
    try:
        return queryset.visible_to(user).get(pk=pk)
    except ObjectDoesNotExist:
        raise NotFound from None


def get_changeable(queryset: Owned[M], *, user: User | AnonymousUser, pk: uuid.UUID) -> M:
    """Return the object with the key `pk`, if `user` may change it.

    Raises
    ------
    NotFound
        As for `get_visible_or_404`.
    PermissionDenied
        If `user` may see the object, but not change it.
    """
    obj = get_visible_or_404(queryset, user=user, pk=pk)
    if not access.may_change(user=user, thing=obj):
        raise PermissionDenied
    return obj


def get_deletable(queryset: Owned[M], *, user: User | AnonymousUser, pk: uuid.UUID) -> M:
    """Return the object with the key `pk`, if `user` may delete it; raises the errors of `get_changeable`."""
    obj = get_visible_or_404(queryset, user=user, pk=pk)
    if not access.may_delete(user=user, thing=obj):
        raise PermissionDenied
    return obj


def theme(request: HttpRequest) -> str:
    """Return the theme that was chosen in this browser, or an empty text for the theme of the system."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else ""


def is_api(request: HttpRequest) -> bool:
    """Return whether a request goes to the API, whose errors are always problem details."""
    return request.path_info.startswith(API_ROOT)


def wants_page(request: HttpRequest) -> bool:
    """Return whether the response to a request should be an HTML page.

    Browsers accept HTML when they load a page, but not for pictures or requests of scripts. The API never returns a page.
    """
    return not is_api(request) and "text/html" in request.headers.get("Accept", "")


def status_of(error: SegmentationError) -> HTTPStatus:
    """Return the HTTP status of an error."""
    return _STATUS.get(error.code, HTTPStatus.UNPROCESSABLE_ENTITY)


def problem(status: HTTPStatus, code: str, detail: str) -> HttpResponse:
    """Return an error response with problem details (RFC 9457)."""
    body = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail, "code": code}
    response = JsonResponse(body, status=status, content_type=PROBLEM_TYPE)
    if status in _TRY_AGAIN:
        response.headers["Retry-After"] = str(_RETRY_SECONDS)
    return response


def problem_of(error: SegmentationError) -> HttpResponse:
    """Return the response to a domain error as problem details, with `Retry-After` where it applies."""
    return with_retry_after(problem(status_of(error), error.code, sentence(error)), error)


def with_retry_after(response: HttpResponse, error: SegmentationError) -> HttpResponse:
    """Set `Retry-After` on a response with status 429 or 503, to the value of the error if it has one."""
    if response.status_code in _TRY_AGAIN:
        response.headers["Retry-After"] = str(error.values.get("retry_after", _RETRY_SECONDS))
    return response
