"""Adapter for django-allauth: sign-up, sign-in, rate limits, messages and e-mail."""

import logging
from smtplib import SMTPException
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.account.signals import email_added, password_reset
from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib import messages
from django.dispatch import receiver
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from segmentation import user_names
from segmentation.accounts.backend import find_account
from segmentation.accounts.devices import device, remember
from segmentation.models import User

_log = logging.getLogger(__name__)
_APP = "allauth.account"
# One message for every way to sign in, and for unknown names and wrong passwords alike.
_WRONG_CREDENTIALS = _("The name or e-mail address and the password do not match.")


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth publishes no types
    """Decides who may sign up and sign in, where they are redirected to, and which messages they see."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "account_inactive": _("This account is deactivated."),
        "duplicate_email": _("Your account already has this address."),
        "email_password_mismatch": _WRONG_CREDENTIALS,
        "email_taken": _("Another account already has this address."),
        "enter_current_password": _("This is not your password."),
        "incorrect_password": _("This is not your password."),
        "invalid_login": _WRONG_CREDENTIALS,
        "rate_limited": _("Too many attempts. Wait a few minutes, then try again."),
        "too_many_login_attempts": _("Too many attempts failed. Wait five minutes, then try again."),
        "username_address": _("A user name must not be an e-mail address. Leave out the @."),
        "username_blacklisted": _("This name is reserved. Choose another one."),
        "username_looks_taken": _("A name that looks the same is already taken. Choose another one."),
        "username_mixed": _("This name mixes letters of several scripts. Use those of one."),
        "username_password_mismatch": _WRONG_CREDENTIALS,
        "username_taken": _("This name is already taken. Choose another one."),
    }

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """Return whether anybody may create an account (setting `REGISTRATION_OPEN`)."""
        return bool(settings.REGISTRATION_OPEN)

    def is_safe_url(self, url: str) -> bool:
        """Return whether a redirect may go to `url`: only to this site, not to another port or from https to http."""
        request = self.request
        return url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())

    def get_password_change_redirect_url(self, _request: HttpRequest) -> str:
        """Return the account page; allauth itself shows the empty form again."""
        return reverse("account")

    def clean_username(self, username: str, shallow: bool = False) -> str:  # noqa: FBT001, FBT002 - allauth's signature
        """Return the normalised name; reject a name that is taken, reserved, or looks like a taken or reserved name."""
        name: str = super().clean_username(User.normalize_username(username), shallow=shallow)
        if shallow:
            return name
        if User.objects.filter(username__iexact=name).exists():
            raise self.validation_error("username_taken")
        looks = user_names.skeleton(name)
        for code, refused in (
            ("username_address", "@" in name),  # it could be the address of another person
            ("username_mixed", user_names.mixes_scripts(name)),
            ("username_blacklisted", looks in map(user_names.skeleton, settings.ACCOUNT_USERNAME_BLACKLIST)),
            ("username_looks_taken", User.objects.filter(skeleton=looks).exists()),
        ):
            if refused:
                raise self.validation_error(code)
        return name

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Authenticate with the user name in its normalised form."""
        if "username" in credentials:
            credentials["username"] = User.normalize_username(credentials["username"])
        return super().authenticate(request, **credentials)

    def reauthenticate(self, user: User, password: str) -> bool:
        """Return whether `password` is that of the signed-in person. The view limits the attempts for each person."""
        return user.check_password(password)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt, and reject it if too many have failed.

        Attempts count by client address and by name. A browser with which the person has signed in before has its own
        count, so that nobody else can use up its attempts.
        """
        person = find_account(username=credentials.get("username"), email=credentials.get("email"))
        known = device(request)
        if person is not None and person.pk in known.people:
            action, key = "login_failed_on_known_device", f"{known.id}:{person.pk}"
        else:
            action, key = "login_failed", self._get_login_attempts_cache_key(request, **credentials)
            if not ratelimit.consume(request, app=_APP, action="login_attempt"):
                raise self.validation_error("too_many_login_attempts")
        self._login_failed_rl_usage = ratelimit.consume(request, app=_APP, action=action, key=key)
        if not self._login_failed_rl_usage:
            raise self.validation_error("too_many_login_attempts")

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponseBase:
        """Remember the browser. After a sign-up whose message could not be sent, redirect to the e-mail addresses."""
        if kwargs["signup"] and mail_failed(request):
            kwargs["redirect_url"] = reverse("account_email")
        response: HttpResponseBase = super().post_login(request, user, **kwargs)
        remember(request, response, user_id=user.pk)
        return response

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        """Add a message; replace "a message is on its way" by an error if the e-mail could not be sent."""
        if message_template == "account/messages/email_confirmation_sent.txt" and mail_failed(request):
            level, message_template = messages.ERROR, "account/messages/email_not_sent.txt"
        super().add_message(request, level, message_template, *args, **kwargs)

    def send_password_reset_mail(self, user: User, email: str, context: dict[str, Any]) -> None:  # noqa: ARG002 - allauth's signature
        """Collect the context of the message for `send_password_resets`."""
        self.request._password_resets = [*getattr(self.request, "_password_resets", []), context]  # noqa: SLF001 - ours

    def send_password_resets(self, email: str) -> None:
        """Send one message about all accounts with an address, or none if there is no such account.

        Several messages would take longer, and so reveal that another account has the same address.
        """
        resets = sorted(getattr(self.request, "_password_resets", []), key=lambda reset: int(reset["user"].pk))
        if resets:
            first, *others = resets
            self.send_mail("account/email/password_reset_key", email, {**first, "others": others})

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a message that also says when and from which address it was requested."""
        said = {
            "asked": timezone.now(),
            "address": self.get_client_ip(self.request) if self.request else "",
            "site_url": settings.SITE_URL,
        }
        try:
            super().send_mail(template_prefix, email, context | said)
        except (SMTPException, OSError, UnicodeError):  # UnicodeError: the address cannot be encoded
            _log.exception("The message %s could not be sent", template_prefix)
            self.request._mail_failed = True  # noqa: SLF001 - read by `mail_failed`
            ratelimit.clear(
                self.request, app=_APP, action="confirm_email", key=email.lower()
            )  # so that it can be requested again


def mail_failed(request: HttpRequest) -> bool:
    """Return whether an e-mail could not be sent during this request."""
    return getattr(request, "_mail_failed", False)


@receiver(email_added)
def _make_first_address_primary(*, user: User, email_address: EmailAddress, **_kwargs: Any) -> None:
    """Make the first address of an account its primary address, so that it is also stored on the account."""
    if not user.email:
        email_address.set_as_primary()


@receiver(password_reset)
def _clear_failed_attempts(*, request: HttpRequest, user: User, **_kwargs: Any) -> None:
    """Clear the failed attempts for the user name after a password reset; allauth does so for the addresses only."""
    adapter = AccountAdapter(request)
    adapter._delete_login_attempts_cached_email(request, username=user.username)  # noqa: SLF001 - allauth's own hook
