"""Log of what staff did in the administration, and with other people's images, runs and accounts on the site."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy

from segmentation.admin import cells, details
from segmentation.admin.filters import DateFilter
from segmentation.admin.readonly import ReadOnlyAdmin


class LogDateFilter(DateFilter):
    path = "action_time"


@admin.register(LogEntry)
class LogAdmin(ReadOnlyAdmin):
    """Shows the log. Nobody can change or delete entries, not even superusers."""

    list_display = ("time", "person", "object_type", "object", "change")
    list_display_links = None
    list_filter = (LogDateFilter,)
    search_fields = ("user__username", "object_repr", "change_message", "object_id")
    search_help_text = gettext_lazy("Person, object or change")
    ordering = ("-pk",)
    sortable_by = ()
    actions = None
    change_form_template = "admin/segmentation/worker.html"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[LogEntry]:
        entries: QuerySet[LogEntry] = super().get_queryset(request)
        return entries.select_related("user", "content_type")

    @admin.display(description=gettext_lazy("Time"))
    def time(self, entry: LogEntry) -> SafeString | None:
        return cells.ago(entry.action_time)

    @admin.display(description=gettext_lazy("Person"))
    def person(self, entry: LogEntry) -> str:
        return entry.user.get_username()

    @admin.display(description=gettext_lazy("Type"))
    def object_type(self, entry: LogEntry) -> str:
        return str(entry.content_type.name) if entry.content_type else ""

    @admin.display(description=gettext_lazy("Object"))
    def object(self, entry: LogEntry) -> SafeString:
        return cells.name_and_note(entry.object_repr, entry.object_id or "")

    @admin.display(description=gettext_lazy("Change"))
    def change(self, entry: LogEntry) -> str:
        return entry.get_change_message() or str(entry.get_action_flag_display())

    def page_context(self, request: HttpRequest, obj: LogEntry) -> dict[str, Any]:  # noqa: ARG002 - the signature of the base class
        entry = [
            details.Detail(gettext("Time"), details.moment(obj.action_time)),
            details.Detail(gettext("Person"), self.person(obj)),
            details.Detail(gettext("Object"), f"{self.object_type(obj)}: {obj.object_repr} ({obj.object_id})"),
            details.Detail(gettext("Change"), self.change(obj)),
        ]
        return {"title": gettext("Log entry"), "sections": [details.Section(gettext("Entry"), entry)]}
