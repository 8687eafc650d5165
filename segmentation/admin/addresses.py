"""E-mail addresses of people: who has one gets a new password by it, so that it is guarded like the password itself."""

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
    """An address, for a person whom the one who is signed in may touch; `request` is set by the admin."""

    request: HttpRequest

    def clean_user(self) -> User:
        person: User = self.cleaned_data["user"]
        if not may_manage(self.request, person):
            raise ValidationError(_("This person has more permissions than you: only they change their addresses."))
        return person

    def clean_email(self) -> str:
        """Refuse the address of a person whom one may not touch: confirmed elsewhere, they could sign in by it no more."""
        email = str(self.cleaned_data["email"]).lower()
        if not all(may_manage(self.request, person) for person in filter_users_by_email(email)):
            raise ValidationError(_("Another account already has this address."))
        return email


@admin.register(EmailAddress)
class EmailAddressAdmin(GuardedAdmin, AllauthEmailAddressAdmin):  # type: ignore[misc] # allauth publishes no types
    """allauth's own, for staff who may also change the person: an address opens the account.

    Who could only change addresses would give somebody an address of their own and ask for a new password by it.
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
        return super().has_change_permission(request, obj) and _may_change_people(request) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_change_people(request) and _may_touch(request, obj)

    @admin.action(permissions=["change"], description=gettext_lazy("Mark selected addresses as confirmed"))
    def make_verified(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Confirm those addresses whose people one may touch, and leave the others."""
        mine = [address.pk for address in queryset.select_related("user") if _may_touch(request, address)]
        chosen = queryset.filter(pk__in=mine, verified=False)
        for address in chosen:
            self.log_change(request, address, _("Marked as confirmed."))
        super().make_verified(request, chosen)


def _may_touch(request: HttpRequest, address: EmailAddress | None) -> bool:
    return address is None or may_manage(request, address.user)


def _may_change_people(request: HttpRequest) -> bool:
    return person_of(request).has_perm("segmentation.change_user")
