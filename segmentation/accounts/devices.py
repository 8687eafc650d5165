"""Signed cookie that holds the ids of the people who have signed in with a browser.

Failed attempts from such a browser are counted separately, so that nobody who only knows a name can lock its owner out.
"""

import uuid
from dataclasses import dataclass, replace

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

_A_YEAR = 365 * 24 * 60 * 60
_MOST_PEOPLE = 10  # ids that are kept, the most recent ones
_SALT = "segmentation.accounts.devices"


@dataclass(frozen=True, slots=True)
class Device:
    """Browser, with the ids of the people who have signed in with it, most recent first."""

    id: str
    people: tuple[int, ...]


def device(request: HttpRequest) -> Device:
    """Return the browser that a request comes from, or a new one if its cookie is missing or invalid."""
    try:
        device_id, people = signing.loads(
            request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), salt=_SALT, max_age=_A_YEAR
        )
    except signing.BadSignature:
        return Device(uuid.uuid4().hex, ())
    return Device(device_id, tuple(people))


def forget(request: HttpRequest, response: HttpResponseBase, *, user_id: int) -> None:
    """Remove a person from the cookie of the browser, and delete an empty cookie."""
    known = device(request)
    others = tuple(other for other in known.people if other != user_id)
    if others:
        _set_cookie(response, replace(known, people=others))
    else:
        response.delete_cookie(settings.DEVICE_COOKIE_NAME, path=settings.SESSION_COOKIE_PATH, samesite="Lax")


def remember(request: HttpRequest, response: HttpResponseBase, *, user_id: int) -> None:
    """Add a person to the cookie of the browser for a year."""
    known = device(request)
    others = tuple(other for other in known.people if other != user_id)
    _set_cookie(response, replace(known, people=(user_id, *others)[:_MOST_PEOPLE]))


def _set_cookie(response: HttpResponseBase, now: Device) -> None:
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps((now.id, now.people), salt=_SALT),
        max_age=_A_YEAR,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
