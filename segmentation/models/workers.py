import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, FloatField, Value
from django.db.models.functions import Greatest, Least, Now, Power
from django.utils.translation import gettext_lazy as _

from segmentation.models.database_time import seconds_from_now

_SMOOTHING = 0.1  # weight of the newest run in the exponential moving average of the log of the speed
_MAX_RATIO = 2.0  # the speed of one run by the present speed is clipped to between 1/2 and this
_MAX_SPEED = 8.0  # the speed stays between 1/8 and 8 times that of the machine on which costs were measured


class WorkerQuerySet(models.QuerySet["Worker"]):
    def alive(self) -> Self:
        """Return the workers whose last heartbeat is younger than a lease."""
        return self.filter(seen__gt=seconds_from_now(-settings.GMM_LEASE_SECONDS))

    def accepting_jobs(self) -> Self:
        """Return the workers that are alive and were not told to stop."""
        return self.alive().filter(leaving=None)

    def speed_on(self, host: str) -> float:
        """Return the speed that was last measured on a host; 1 when none was."""
        return self.filter(host=host).order_by("-seen").values_list("speed", flat=True).first() or 1.0

    def update_speed(self, worker_id: uuid.UUID, *, expected: float, took: float) -> None:
        """Update the speed of a worker from one of its runs, as an exponential moving average of its logarithm.

        The weight of a run is 0.1, and its ratio to the present speed is clipped to between 1/2 and 2, so that one run changes
        the speed by at most 7 %.

        Parameters
        ----------
        expected, took : float
            Seconds that the run was expected to take at speed 1, and that it has taken.
        """
        ratio = Least(Greatest(Value(expected / took) / F("speed"), 1 / _MAX_RATIO), _MAX_RATIO)
        smoothed = F("speed") * Power(ratio, _SMOOTHING, output_field=FloatField())
        bounded = Least(Greatest(smoothed, 1 / _MAX_SPEED), _MAX_SPEED, output_field=FloatField())
        self.filter(pk=worker_id).update(speed=bounded)

    def record_heartbeat(self, worker_id: uuid.UUID) -> bool:
        """Store the time of a heartbeat; returns False when the row of the worker was deleted."""
        return self.filter(pk=worker_id).update(seen=Now()) > 0

    def mark_stopping(self, worker_id: uuid.UUID) -> None:
        """Record that a worker was told to stop: it starts no more jobs, and finishes those that run."""
        self.filter(pk=worker_id).update(leaving=Now())

    def mark_ended(self, worker_id: uuid.UUID) -> None:
        """Record that a worker has ended: from now on it does not count as alive."""
        self.filter(pk=worker_id).update(seen=seconds_from_now(-settings.GMM_LEASE_SECONDS))


class Worker(models.Model):
    """One `manage.py worker` process. The row stays for some time after the process has ended."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    host = models.CharField(_("host"), max_length=255)
    release = models.CharField(_("release"), max_length=32)
    started = models.DateTimeField(_("started"), db_default=Now())
    seen = models.DateTimeField(_("last seen"), db_default=Now(), db_index=True)
    slots = models.PositiveSmallIntegerField(_("places"))  # for long jobs, and for short ones while they are free
    # Further ones, for short jobs only; older releases have none
    short_slots = models.PositiveSmallIntegerField(_("places for short runs"), db_default=0)
    speed = models.FloatField(_("speed"), db_default=1.0)  # expected by measured seconds of its runs, smoothed
    leaving = models.DateTimeField(_("told to stop"), null=True)  # stays null for a worker of an older release

    objects = WorkerQuerySet.as_manager()

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return f"{self.host}, {str(self.pk)[:8]}"
