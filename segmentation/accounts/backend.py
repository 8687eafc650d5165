"""Comparing names and passwords, with the same work for accounts that exist and for those that do not."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.internal.userkit import filter_users_by_email
from allauth.account.models import EmailAddress
from django.http import HttpRequest

from segmentation.models import User


class AccountBackend(AuthenticationBackend):  # type: ignore[misc] # allauth publishes no types
    """Computes one password hash for each attempt: of the account that is meant, or of none.

    Hashes are what an attempt costs. With more of them for some names or addresses, time would tell that these exist.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:  # noqa: ARG002 - Django's signature
        password = credentials.get("password")
        if not password:
            return None
        person = account_meant(username=credentials.get("username"), email=credentials.get("email"))
        if person is None:
            self._mitigate_timing_attack(password)
            return None
        found: User | None = self._check_password(person, password)
        return found


def account_meant(*, username: str | None, email: str | None) -> User | None:
    """Return the one account that somebody means who signs in by a name or an address.

    Whoever has confirmed the address has it; a name that looks like an address gives way to them. Of several accounts with the
    same unconfirmed address it is the oldest.
    """
    address = email or (username if username and "@" in username else "") or ""
    confirmed = EmailAddress.objects.filter(email=address.lower(), verified=True).select_related("user").first()
    named = _named(username or "")
    claimed = filter_users_by_email(address, for_login=True) if address else []
    if confirmed:
        owner: User = confirmed.user
        return owner
    return named or min(claimed, key=lambda person: person.pk, default=None)


def _named(username: str) -> User | None:
    """Return whoever has the name exactly so, as an account made in the administration may, else in small letters."""
    people = {person.username: person for person in User.objects.filter(username__in=[username, username.lower()])}
    return people.get(username) or people.get(username.lower())
