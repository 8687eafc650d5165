"""What this site decides about accounts; all else is django-allauth's."""

from typing import Any, cast

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.account.models import EmailAddress
from allauth.account.signals import email_added
from django.conf import settings
from django.db import IntegrityError
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from segmentation.models import User

# The same words for every way to sign in, and for an unknown name as for a wrong password.
_NOT_TOGETHER = _("This name or address and this password do not belong together.")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth publishes no types
    """Who may sign up and as whom, where people go afterwards, and what they are told."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "account_inactive": _("This account is switched off."),
        "duplicate_email": _("Your account has this address already."),
        "email_password_mismatch": _NOT_TOGETHER,
        "email_taken": _("Another account has this address already."),
        "enter_current_password": _("This is not your password."),
        "incorrect_password": _("This is not your password."),
        "invalid_login": _NOT_TOGETHER,
        "rate_limited": _("That was too often. Wait a few minutes, then try again."),
        "too_many_login_attempts": _("Too many attempts failed. Wait five minutes, then try again."),
        "username_blacklisted": _("This name is kept for the site itself. Choose another one."),
        "username_password_mismatch": _NOT_TOGETHER,
        "username_taken": _("Somebody has this name already. Choose another one."),
    }

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """Whether strangers may make themselves an account: `REGISTRATION_OPEN`."""
        return bool(settings.REGISTRATION_OPEN)

    def is_safe_url(self, url: str) -> bool:
        """Whether a person may be sent there: to this very site only, never to another port or to plain http."""
        request = self.request
        return url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())

    def get_password_change_redirect_url(self, _request: HttpRequest) -> str:
        """Back to where the change was asked for; by itself allauth shows the empty form again."""
        return reverse("account")

    def clean_username(self, username: str, shallow: bool = False) -> str:  # noqa: FBT001, FBT002 - allauth's signature
        """Refuse names that only look different: full-width letters, or capitals of a name made in the administration."""
        name: str = super().clean_username(User.normalize_username(username), shallow=shallow)
        if not shallow and User.objects.filter(username__iexact=name).exists():
            raise self.validation_error("username_taken")
        return name

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Compare a name in the form in which names are stored."""
        if "username" in credentials:
            credentials["username"] = User.normalize_username(credentials["username"])
        return super().authenticate(request, **credentials)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Add to what a message says who asked for it, and when: somebody who did not must be able to tell."""
        said = {
            "asked": timezone.now(),
            "address": self.get_client_ip(self.request) if self.request else "",
            "site_url": settings.SITE_URL,
        }
        super().send_mail(template_prefix, email, context | said)


class SignupForm(AllauthSignupForm):  # type: ignore[misc]  # allauth publishes no types
    """Two people may choose one name at the same moment: both find it free, and one of them gets it."""

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Make the account; whoever came second by a moment gets the page of somebody who came later."""
        from allauth.account.views import signup  # noqa: PLC0415 - the views look for this form when they are loaded

        try:
            return cast("tuple[User | None, HttpResponse | None]", super().try_save(request))
        except IntegrityError:
            if not User.objects.filter(username=self.cleaned_data["username"]).exists():
                raise
            return None, signup(request)


@receiver(email_added)
def _make_the_first_address_the_main_one(*, user: User, email_address: EmailAddress, **_kwargs: Any) -> None:
    """Without this, an address that was added later would be on the list, but not on the account."""
    if not user.email:
        email_address.set_as_primary()
