"""Authentication of requests. This module alone sets `request.user`, which pages, files and API use."""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth import get_user
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """One method of authentication."""

    is_used: Callable[[HttpRequest], bool]
    """Return whether a request uses this method; cheap, without a query."""

    find: Callable[[HttpRequest], AbstractBaseUser | AnonymousUser]
    """Return the user, or an anonymous user if the credentials are not valid."""

    is_sent_unasked: bool
    """Whether browsers send the credentials automatically, as they do cookies. Then the CSRF token is checked, because another
    site could make the browser send requests."""


SESSION = Authenticator(is_used=lambda _request: True, find=get_user, is_sent_unasked=True)

AUTHENTICATORS: tuple[Authenticator, ...] = (SESSION,)
"""All methods; the first one that a request uses decides."""


class Authentication(AuthenticationMiddleware):
    """Middleware that sets `request.user` by the first authenticator that the request uses. The user is loaded lazily."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        used = next(one for one in AUTHENTICATORS if one.is_used(request))
        if used is SESSION:
            return
        request.user = SimpleLazyObject(lambda: used.find(request))  # type: ignore[assignment] # as Django's does
        request._dont_enforce_csrf_checks = not used.is_sent_unasked  # type: ignore[attr-defined]  # noqa: SLF001 - Django's middleware and django-ninja read it
