"""Periodic tasks: what workers do besides runs, when they last did it, and what they found."""

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segmentation.admin import cells, facts
from segmentation.admin.readonly import ReadOnlyAdmin
from segmentation.models import PeriodicTask


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(ReadOnlyAdmin):
    """Look at the periodic tasks. Whichever worker is first does what is due."""

    list_display = ("task", "outcome", "begun", "ended", "next_due")
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
        return _("Started, not finished") if task.started else _("Never done yet")

    @admin.display(description=gettext_lazy("Last begun"))
    def begun(self, task: PeriodicTask) -> SafeString | None:
        return cells.ago(task.started)

    @admin.display(description=gettext_lazy("Last finished"))
    def ended(self, task: PeriodicTask) -> SafeString | None:
        return cells.ago(task.finished)

    @admin.display(description=gettext_lazy("Next due"))
    def next_due(self, task: PeriodicTask) -> str:
        return facts.moment(task.due)

    def about(self, request: HttpRequest, thing: PeriodicTask) -> dict[str, Any]:  # noqa: ARG002 - not everything asks who looks
        report = json.dumps(thing.report, indent=1) if thing.report else ""
        return {
            "title": str(thing),
            "sections": facts.of_periodic_task(thing, outcome=self.outcome(thing)),
            "report": report,
        }
