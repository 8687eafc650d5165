import uuid
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from segmentation.models.clock import seconds_from_now


class WorkerQuerySet(models.QuerySet["Worker"]):
    def alive(self) -> Self:
        """Return the workers that were seen within a lease."""
        return self.filter(seen__gt=seconds_from_now(-settings.GMM_LEASE_SECONDS))

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
    slots = models.PositiveSmallIntegerField(_("places"))
    leaving = models.DateTimeField(_("told to stop"), null=True)  # stays null for a worker of an older release

    objects = WorkerQuerySet.as_manager()

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return f"{self.host}, {str(self.pk)[:8]}"
