"""E-mail addresses of people. An address can reset a password, so it is protected like one."""

from typing import Any

from allauth.account.admin import EmailAddressAdmin as AllauthEmailAddressAdmin
from allauth.account.internal.userkit import filter_users_by_email
from allauth.account.models import EmailAddress
from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segmentation.admin.listing import CappedPaginator, GuardedAdmin
from segmentation.admin.readonly import person_of
from segmentation.admin.users import may_manage
from segmentation.models import User

admin.site.unregister(EmailAddress)


class EmailAddressForm(forms.ModelForm):  # type: ignore[type-arg] # allauth publishes no types
    """Form for an address of a person whom the signed-in person may change; the admin sets `request`."""

    request: HttpRequest

    def clean_user(self) -> User:
        person: User = self.cleaned_data["user"]
        if not may_manage(self.request, person):
            raise ValidationError(_("This person has more permissions than you. Only they can change their addresses."))
        return person

    def clean_email(self) -> str:
        """Reject the address of a person whom one may not change; they could no longer sign in with it."""
        email = str(self.cleaned_data["email"]).lower()
        if not all(may_manage(self.request, person) for person in filter_users_by_email(email)):
            raise ValidationError(_("Another account already has this address."))
        return email


@admin.register(EmailAddress)
class EmailAddressAdmin(GuardedAdmin, AllauthEmailAddressAdmin):  # type: ignore[misc] # allauth publishes no types
    """Admin of allauth, restricted to staff who may also change the person.

    Otherwise staff who may only change addresses could add their own address to an account and reset its password.
    """

    form = EmailAddressForm
    actions = ("make_verified",)
    ordering = ("email", "pk")
    paginator = CappedPaginator
    show_full_result_count = False

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"request": request})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and _may_change_people(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_change_people(request) and _may_manage(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_change_people(request) and _may_manage(request, obj)

    @admin.action(permissions=["change"], description=gettext_lazy("Mark selected addresses as confirmed"))
    def make_verified(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Mark the selected addresses as confirmed, except those of people whom one may not change."""
        permitted = [address.pk for address in queryset.select_related("user") if _may_manage(request, address)]
        chosen = queryset.filter(pk__in=permitted, verified=False)
        for address in chosen:
            self.log_change(request, address, _("Marked as confirmed."))
        super().make_verified(request, chosen)


def _may_manage(request: HttpRequest, address: EmailAddress | None) -> bool:
    return address is None or may_manage(request, address.user)


def _may_change_people(request: HttpRequest) -> bool:
    return person_of(request).has_perm("segmentation.change_user")
