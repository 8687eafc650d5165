from datetime import timedelta
from typing import Any, Self

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from segmentation.models.clock import seconds_from_now


class Name(models.TextChoices):
    FILES = "files", _("Sweep of the files")
    RETENTION = "retention", _("Removal of what has expired")
    DISK = "disk", _("Check of the room on the disk")
    SIZES = "sizes", _("Measurement of what older releases have stored")


class DutyQuerySet(models.QuerySet["Duty"]):
    """What is due, and the transitions of a task; each is one UPDATE that names the state from which it starts."""

    def plan(self, name: str, *, every: timedelta) -> None:
        """Make the row of a task that has none; it is first due after one period."""
        self.bulk_create([Duty(name=name, due=seconds_from_now(every.total_seconds()))], ignore_conflicts=True)

    def due(self) -> Self:
        return self.filter(due__lte=Now())

    def claim(self, name: str, *, every: timedelta) -> bool:
        """Claim a task that is due; returns False when it is not, or when another worker was first."""
        begun: dict[str, Any] = {"started": Now(), "finished": None, "report": None, "problem": ""}
        return self.due().filter(name=name).update(due=seconds_from_now(every.total_seconds()), **begun) > 0

    def finish(self, name: str, *, report: dict[str, Any] | None, problem: str) -> None:
        """Note how a task went."""
        self.filter(name=name).update(finished=Now(), report=report, problem=problem)


class Duty(models.Model):
    """When a periodic task is due, and how it went last; whichever worker is first does it."""

    name = models.CharField(_("task"), primary_key=True, max_length=32, choices=Name.choices)
    due = models.DateTimeField(_("next due"))
    started = models.DateTimeField(_("last begun"), null=True)
    finished = models.DateTimeField(_("last finished"), null=True)  # null though started: it runs, or it was killed
    report = models.JSONField(_("report"), null=True)
    problem = models.TextField(_("problem"), blank=True, default="")

    objects = DutyQuerySet.as_manager()

    class Meta:
        verbose_name = _("periodic task")
        verbose_name_plural = _("periodic tasks")

    def __str__(self) -> str:
        return self.get_name_display()
