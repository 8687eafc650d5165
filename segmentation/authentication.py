"""Authentication of requests. It sets `request.user`, which pages, files and the API use; nothing else sets it."""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth import get_user
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """One method of authentication, for example a session."""

    is_used: Callable[[HttpRequest], bool]
    """Return whether the request uses this method. It makes no query."""

    find: Callable[[HttpRequest], AbstractBaseUser | AnonymousUser]
    """Return the person, or an anonymous user if the credentials are not valid."""

    needs_csrf_token: bool
    """Whether the CSRF token is checked: true for credentials that browsers send by themselves, such as cookies."""


SESSION = Authenticator(is_used=lambda _request: True, find=get_user, needs_csrf_token=True)

AUTHENTICATORS: tuple[Authenticator, ...] = (SESSION,)
"""Methods in order; the first one that a request uses decides."""


class Authentication(AuthenticationMiddleware):
    """Middleware that sets `request.user` by the first authenticator that the request uses. The user is loaded lazily."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        used = next(authenticator for authenticator in AUTHENTICATORS if authenticator.is_used(request))
        if used is SESSION:
            return
        request.user = SimpleLazyObject(lambda: used.find(request))  # type: ignore[assignment] # as Django's does
        request._dont_enforce_csrf_checks = not used.needs_csrf_token  # type: ignore[attr-defined]  # noqa: SLF001 - Django's middleware and django-ninja read it
