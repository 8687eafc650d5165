from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth publishes no types
    """What this site decides about accounts; all else is django-allauth's."""

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """Whether strangers may make themselves an account: `REGISTRATION_OPEN`."""
        return bool(settings.REGISTRATION_OPEN)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Add to what a message says who asked for it, and when: somebody who did not must be able to tell."""
        said = {
            "asked": timezone.now(),
            "address": self.get_client_ip(self.request) if self.request else "",
            "site_url": settings.SITE_URL,
        }
        super().send_mail(template_prefix, email, context | said)
