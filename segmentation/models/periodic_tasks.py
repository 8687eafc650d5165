from datetime import timedelta
from typing import Any, Self

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from segmentation.models.database_time import seconds_from_now


class PeriodicTaskName(models.TextChoices):
    FILES = "files", _("Sweep of the files")
    RETENTION = "retention", _("Removal of what has expired")
    DISK = "disk", _("Check of the room on the disk")
    SIZES = "sizes", _("Measurement of what older releases have stored")


class PeriodicTaskQuerySet(models.QuerySet["PeriodicTask"]):
    """Queries and state changes of periodic tasks. Each change is one UPDATE that tests the state it starts from."""

    def plan(self, name: str, *, every: timedelta) -> None:
        """Create the row of a task unless there is one; the task is first due after one period."""
        self.bulk_create([PeriodicTask(name=name, due=seconds_from_now(every.total_seconds()))], ignore_conflicts=True)

    def due(self) -> Self:
        """Return the tasks whose time has come."""
        return self.filter(due__lte=Now())

    def claim(self, name: str, *, every: timedelta) -> bool:
        """Mark a due task as started, and return whether it was: False when it is not due, or another worker was first."""
        started: dict[str, Any] = {"started": Now(), "finished": None, "report": None, "problem": ""}
        return self.due().filter(name=name).update(due=seconds_from_now(every.total_seconds()), **started) > 0

    def finish(self, name: str, *, report: dict[str, Any] | None, problem: str) -> None:
        """Store the report and the problem of a task that has ended."""
        self.filter(name=name).update(finished=Now(), report=report, problem=problem)


class PeriodicTask(models.Model):
    """The schedule of one periodic task and the outcome of its last run. The first worker that sees it due does it."""

    name = models.CharField(_("task"), primary_key=True, max_length=32, choices=PeriodicTaskName.choices)
    due = models.DateTimeField(_("next due"))
    started = models.DateTimeField(_("last begun"), null=True)
    finished = models.DateTimeField(_("last finished"), null=True)  # null while it runs, and after it was killed
    report = models.JSONField(_("report"), null=True)
    problem = models.TextField(_("problem"), blank=True, default="")

    objects = PeriodicTaskQuerySet.as_manager()

    class Meta:
        db_table = "segmentation_duty"  # as the release before calls it, whose workers run beside this one
        verbose_name = _("periodic task")
        verbose_name_plural = _("periodic tasks")

    def __str__(self) -> str:
        return self.get_name_display()
