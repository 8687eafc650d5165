"""Authentication backend that does the same work for existing and for unknown accounts."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.internal.userkit import filter_users_by_email
from allauth.account.models import EmailAddress
from django.http import HttpRequest

from segmentation.models import User


class AccountBackend(AuthenticationBackend):  # type: ignore[misc] # allauth publishes no types
    """Computes exactly one password hash for each attempt, whether the account exists or not.

    Hashing dominates the time of an attempt. A different number of hashes would reveal that an account exists.
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:  # noqa: ARG002 - Django's signature
        password = credentials.get("password")
        if not password:
            return None
        person = find_account(username=credentials.get("username"), email=credentials.get("email"))
        if person is None:
            self._mitigate_timing_attack(password)
            return None
        found: User | None = self._check_password(person, password)
        return found


def find_account(*, username: str | None, email: str | None) -> User | None:
    """Return the account for a sign-in with a user name or an e-mail address, or None.

    An account with the confirmed address comes first, then one with the user name, then the oldest account with the
    unconfirmed address.
    """
    address = email or (username if username and "@" in username else "") or ""
    confirmed = EmailAddress.objects.filter(email=address.lower(), verified=True).select_related("user").first()
    with_name = _find_by_name(username or "")
    unconfirmed = filter_users_by_email(address, for_login=True) if address else []
    if confirmed:
        owner: User = confirmed.user
        return owner
    return with_name or min(unconfirmed, key=lambda person: person.pk, default=None)


def _find_by_name(username: str) -> User | None:
    """Return the account with this user name, or else with the name in lower case.

    Only accounts created in the administration can have a name in upper case.
    """
    people = {person.username: person for person in User.objects.filter(username__in=[username, username.lower()])}
    return people.get(username) or people.get(username.lower())
