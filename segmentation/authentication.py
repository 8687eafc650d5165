"""Who sends a request. Pages, files and API all ask `request.user`, which is set here and nowhere else."""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth import get_user
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """One way in which a request names a person."""

    is_used: Callable[[HttpRequest], bool]
    """Whether the request names somebody in this way; cheap, without a query."""

    find: Callable[[HttpRequest], AbstractBaseUser | AnonymousUser]
    """Return the person, or an anonymous user when what was sent is not valid."""

    is_sent_unasked: bool
    """Whether browsers send it by themselves, as cookies: another site could then send requests in the person's name, so
    the CSRF token is checked."""


SESSION = Authenticator(is_used=lambda _request: True, find=get_user, is_sent_unasked=True)

AUTHENTICATORS: tuple[Authenticator, ...] = (SESSION,)
"""The ways that this site knows; the first that a request uses decides."""


class Authentication(AuthenticationMiddleware):
    """Set `request.user` by the first authenticator that the request uses; the person is read when first asked for."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        used = next(one for one in AUTHENTICATORS if one.is_used(request))
        if used is SESSION:
            return
        request.user = SimpleLazyObject(lambda: used.find(request))  # type: ignore[assignment] # as Django's does
        request._dont_enforce_csrf_checks = not used.is_sent_unasked  # type: ignore[attr-defined]  # noqa: SLF001 - what Django's middleware and django-ninja ask
