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
    """Admin of Django, with restrictions: people can add only permissions that they have themselves to a group.

    Groups with a permission that a person does not have cannot be changed or deleted by that person.
    """

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_manage(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_manage(request, obj)

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest | None = None, **kwargs: Any
    ) -> ModelMultipleChoiceField[Any] | None:
        """Return the form field of the permissions, limited to those that the person has."""
        if db_field.name == "permissions" and request is not None:
            kwargs["queryset"] = access.grantable(person_of(request)).select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **kwargs)


def _may_manage(request: HttpRequest, group: Group | None) -> bool:
    return group is None or access.may_grant(user=person_of(request), permissions=group.permissions.all())
