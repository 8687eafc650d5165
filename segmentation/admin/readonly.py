"""Admin of models that staff can view and delete, but not add or edit."""

from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin, ShowFacets
from django.contrib.admin.models import LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from segmentation.admin.listing import CappedPaginator, GuardedAdmin
from segmentation.models import User


def person_of(request: HttpRequest) -> User:
    """Return the signed-in person, or raise PermissionDenied if there is none."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


class ReadOnlyAdmin(GuardedAdmin, ModelAdmin[Any]):
    """`ModelAdmin` with lists and pages, but without forms."""

    actions_selection_counter = True
    list_per_page = 25
    list_max_show_all = 100
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # facets count all rows
    empty_value_display = "–"

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> tuple[()]:  # noqa: ARG002 - Django's signature
        """Return no fieldsets, because the template does not show a form."""
        return ()

    def page_context(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """Return the context of the page of an object: `title`, `sections`, and other variables of its template."""
        raise NotImplementedError

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context |= {"subtitle": None, **self.page_context(request, context["original"])}
        return super().render_change_form(request, context, *args, **kwargs)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[LogEntry]:  # noqa: ARG002 - Django's signature
        """Write no log entries, because the services write them."""
        return []

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: int) -> HttpResponse:  # noqa: ARG002 - Django's signature
        self.message_user(request, _("%(name)s was deleted.") % {"name": obj_display}, messages.SUCCESS)
        return redirect(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        title = capfirst(str(self.opts.verbose_name_plural))
        return super().changelist_view(request, {"title": title, **(extra_context or {})})
