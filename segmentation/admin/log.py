"""The log: what staff did here, and what they did with other people's things anywhere on the site."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_lazy

from segmentation.admin import cells, facts
from segmentation.admin.filters import DateFilter
from segmentation.admin.readonly import ReadOnlyAdmin


class LogDateFilter(DateFilter):
    path = "action_time"


@admin.register(LogEntry)
class LogAdmin(ReadOnlyAdmin):
    """Look at the log. Nobody changes it or deletes from it, superusers included."""

    list_display = ("when", "who", "kind", "what", "said")
    list_display_links = None
    list_filter = (LogDateFilter,)
    search_fields = ("user__username", "object_repr", "change_message", "object_id")
    search_help_text = gettext_lazy("Who, what or whose")
    ordering = ("-pk",)
    sortable_by = ()
    actions = None
    change_form_template = "admin/segmentation/worker.html"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[LogEntry]:
        entries: QuerySet[LogEntry] = super().get_queryset(request)
        return entries.select_related("user", "content_type")

    @admin.display(description=gettext_lazy("When"))
    def when(self, entry: LogEntry) -> SafeString | None:
        return cells.ago(entry.action_time)

    @admin.display(description=gettext_lazy("Who"))
    def who(self, entry: LogEntry) -> str:
        return entry.user.get_username()

    @admin.display(description=gettext_lazy("Kind"))
    def kind(self, entry: LogEntry) -> str:
        return str(entry.content_type.name) if entry.content_type else ""

    @admin.display(description=gettext_lazy("What"))
    def what(self, entry: LogEntry) -> SafeString:
        return cells.name_and_note(entry.object_repr, entry.object_id or "")

    @admin.display(description=gettext_lazy("What was done"))
    def said(self, entry: LogEntry) -> str:
        return entry.get_change_message() or str(entry.get_action_flag_display())

    def about(self, request: HttpRequest, thing: LogEntry) -> dict[str, Any]:  # noqa: ARG002 - not everything asks who looks
        told = [
            facts.Fact(gettext("When"), facts.moment(thing.action_time)),
            facts.Fact(gettext("Who"), self.who(thing)),
            facts.Fact(gettext("What"), f"{self.kind(thing)}: {thing.object_repr} ({thing.object_id})"),
            facts.Fact(gettext("What was done"), self.said(thing)),
        ]
        return {"title": gettext("Entry of the log"), "sections": [facts.Section(gettext("Entry"), told)]}
