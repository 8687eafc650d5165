import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import F, FloatField, Value
from django.db.models.functions import Greatest, Least, Now, Power
from django.utils.translation import gettext_lazy as _

from segmentation.models.database_time import seconds_from_now

_FOLLOWING = 0.1  # the share of the way, of logarithms, that a speed goes to the one of the newest run
_LARGEST_SURPRISE = 2.0  # how far from the speed a run counts
_LARGEST_SPEED = 8.0  # no host is so much faster than the one that the costs were measured on, nor so much slower


class WorkerQuerySet(models.QuerySet["Worker"]):
    def alive(self) -> Self:
        """Return the workers that were seen within a lease."""
        return self.filter(seen__gt=seconds_from_now(-settings.GMM_LEASE_SECONDS))

    def at_work(self) -> Self:
        """Return the workers that live and were not told to stop."""
        return self.alive().filter(leaving=None)

    def speed_on(self, host: str) -> float:
        """Return the speed that was last measured on a host; 1 when none was."""
        return self.filter(host=host).order_by("-seen").values_list("speed", flat=True).first() or 1.0

    def measured(self, worker_id: uuid.UUID, *, expected: float, took: float) -> None:
        """Let a worker's speed follow what one of its runs took, in seconds, beside what was expected at speed 1.

        The speed goes a tenth of the way, on a logarithmic scale, and no run counts as more than twice or less than half
        of it: a single one moves it by 7 % at most.
        """
        one = Least(Greatest(Value(expected / took) / F("speed"), 1 / _LARGEST_SURPRISE), _LARGEST_SURPRISE)
        followed = F("speed") * Power(one, _FOLLOWING, output_field=FloatField())
        bounded = Least(Greatest(followed, 1 / _LARGEST_SPEED), _LARGEST_SPEED, output_field=FloatField())
        self.filter(pk=worker_id).update(speed=bounded)

    def saw(self, worker_id: uuid.UUID) -> bool:
        """Note that a worker lives; returns False when its row is gone."""
        return self.filter(pk=worker_id).update(seen=Now()) > 0

    def leaving(self, worker_id: uuid.UUID) -> None:
        """Note that a worker was told to stop: it begins no more runs, and finishes those that it has."""
        self.filter(pk=worker_id).update(leaving=Now())

    def left(self, worker_id: uuid.UUID) -> None:
        """Note that a worker has ended in order: it is not alive from now on."""
        self.filter(pk=worker_id).update(seen=seconds_from_now(-settings.GMM_LEASE_SECONDS))


class Worker(models.Model):
    """One `manage.py worker` process; a row that is no longer seen belongs to one that ended."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    host = models.CharField(_("host"), max_length=255)
    release = models.CharField(_("release"), max_length=32)
    started = models.DateTimeField(_("started"), db_default=Now())
    seen = models.DateTimeField(_("last seen"), db_default=Now(), db_index=True)
    slots = models.PositiveSmallIntegerField(
        _("places")
    )  # for long jobs, and for short ones while no long one has them
    short_slots = models.PositiveSmallIntegerField(_("places for short runs"), db_default=0)  # older releases have none
    speed = models.FloatField(_("speed"), db_default=1.0)  # expected over measured seconds of its runs, smoothed
    leaving = models.DateTimeField(_("told to stop"), null=True)  # stays null for a worker of an older release

    objects = WorkerQuerySet.as_manager()

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return f"{self.host}, {str(self.pk)[:8]}"
