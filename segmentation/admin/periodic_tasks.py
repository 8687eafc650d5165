"""Periodic tasks: when they were last done, and what they reported."""

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segmentation.admin import cells, details
from segmentation.admin.readonly import ReadOnlyAdmin
from segmentation.models import PeriodicTask


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(ReadOnlyAdmin):
    """Shows the periodic tasks, which any worker does when they are due."""

    list_display = ("task", "outcome", "last_start", "last_finish", "next_due")
    list_display_links = ("task",)
    ordering = ("name",)
    sortable_by = ()
    change_form_template = "admin/segmentation/periodic_task.html"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002 - Django's signature
        return False

    @admin.display(description=gettext_lazy("Task"))
    def task(self, task: PeriodicTask) -> str:
        return task.get_name_display()

    @admin.display(description=gettext_lazy("Outcome"))
    def outcome(self, task: PeriodicTask) -> str:
        if task.problem:
            return task.problem
        if task.finished:
            return _("No problems found")
        return _("Started, not finished") if task.started else _("Not done yet")

    @admin.display(description=gettext_lazy("Last started"))
    def last_start(self, task: PeriodicTask) -> SafeString | None:
        return cells.ago(task.started)

    @admin.display(description=gettext_lazy("Last finished"))
    def last_finish(self, task: PeriodicTask) -> SafeString | None:
        return cells.ago(task.finished)

    @admin.display(description=gettext_lazy("Next due"))
    def next_due(self, task: PeriodicTask) -> str:
        return details.moment(task.due)

    def page_context(self, request: HttpRequest, obj: PeriodicTask) -> dict[str, Any]:  # noqa: ARG002 - the signature of the base class
        report = json.dumps(obj.report, indent=1) if obj.report else ""
        return {
            "title": str(obj),
            "sections": details.of_periodic_task(obj, outcome=self.outcome(obj)),
            "report": report,
        }
