"""Account forms that extend those of allauth."""

from typing import Any, cast

from allauth.account.forms import ResetPasswordForm as AllauthResetPasswordForm
from allauth.account.forms import SignupForm as AllauthSignupForm
from allauth.core.exceptions import ImmediateHttpResponse
from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from segmentation.accounts.adapter import AccountAdapter, mail_failed
from segmentation.models import User


class SignupForm(AllauthSignupForm):  # type: ignore[misc]  # allauth publishes no types
    """Sign-up form that handles two people who choose the same name at the same moment."""

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Create the account; if the name was taken a moment before, return the form with that error."""
        from allauth.account.views import signup  # noqa: PLC0415 - the views import this form

        try:
            return cast("tuple[User | None, HttpResponse | None]", super().try_save(request))
        except IntegrityError:
            if not User.objects.filter(username=self.cleaned_data["username"]).exists():
                raise
            return None, signup(request)


class ResetPasswordForm(AllauthResetPasswordForm):  # type: ignore[misc]  # allauth publishes no types
    """Password reset form that sends one message for an address, and shows an error if it cannot be sent."""

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        email: str = super().save(request, **kwargs)
        AccountAdapter(request).send_password_resets(email)
        if mail_failed(request):
            messages.error(request, _("The message could not be sent. Try again in a few minutes."))
            raise ImmediateHttpResponse(redirect("account_reset_password"))
        return email
