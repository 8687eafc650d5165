"""Forms of accounts that do more than allauth's."""

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


class ResetPasswordForm(AllauthResetPasswordForm):  # type: ignore[misc]  # allauth publishes no types
    """Sends one message, whoever has the address, and says so when that is not possible."""

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        email: str = super().save(request, **kwargs)
        AccountAdapter(request).send_password_resets(email)
        if mail_failed(request):
            messages.error(request, _("The message could not be sent. Try again in a few minutes."))
            raise ImmediateHttpResponse(redirect("account_reset_password"))
        return email
