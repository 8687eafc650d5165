"""Which people have signed in with a browser before: a signed cookie that strangers do not have.

Limits on wrong passwords count them apart, so that nobody who only knows a name keeps its owner out.
"""

import uuid
from dataclasses import dataclass, replace

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.http.response import HttpResponseBase

_A_YEAR = 365 * 24 * 60 * 60
_MOST_PEOPLE = 10  # the last ones who have signed in
_SALT = "segmentation.accounts.devices"


@dataclass(frozen=True, slots=True)
class Device:
    """A browser, and the ids of those who have signed in with it, the last one first."""

    id: str
    people: tuple[int, ...]


def device(request: HttpRequest) -> Device:
    """Return the browser that a request comes from; a new one when it has no cookie of this site, or not a true one."""
    try:
        device_id, people = signing.loads(
            request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), salt=_SALT, max_age=_A_YEAR
        )
    except signing.BadSignature:
        return Device(uuid.uuid4().hex, ())
    return Device(device_id, tuple(people))


def forget(request: HttpRequest, response: HttpResponseBase, *, user_id: int) -> None:
    """Take a person out of the browser's cookie; delete it when they were the only one."""
    known = device(request)
    others = tuple(other for other in known.people if other != user_id)
    if others:
        _keep(response, replace(known, people=others))
    else:
        response.delete_cookie(settings.DEVICE_COOKIE_NAME, path=settings.SESSION_COOKIE_PATH, samesite="Lax")


def remember(request: HttpRequest, response: HttpResponseBase, *, user_id: int) -> None:
    """Let the browser keep for a year that this person has signed in with it."""
    known = device(request)
    others = tuple(other for other in known.people if other != user_id)
    _keep(response, replace(known, people=(user_id, *others)[:_MOST_PEOPLE]))


def _keep(response: HttpResponseBase, now: Device) -> None:
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps((now.id, now.people), salt=_SALT),
        max_age=_A_YEAR,
        path=settings.SESSION_COOKIE_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
