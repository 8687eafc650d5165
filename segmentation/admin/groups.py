"""Groups: permissions that several people share."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.db.models import ManyToManyField
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest

from segmentation import access
from segmentation.admin.listing import GuardedAdmin
from segmentation.admin.readonly import person_of

admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(GuardedAdmin, DjangoGroupAdmin):
    """Django's own, but for who may hand out what: nobody puts a permission into a group that they do not have.

    A group that has one is not theirs to change or to delete.
    """

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest | None = None, **kwargs: Any
    ) -> ModelMultipleChoiceField[Any] | None:
        """Offer, and take, only permissions that the person has."""
        if db_field.name == "permissions" and request is not None:
            kwargs["queryset"] = access.grantable(person_of(request)).select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **kwargs)


def _may_touch(request: HttpRequest, group: Group | None) -> bool:
    return group is None or access.may_grant(user=person_of(request), permissions=group.permissions.all())
