import uuid
from datetime import timedelta
from typing import Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from segmentation.models.database_time import seconds_from_now
from segmentation.models.jobs import Job
from segmentation.models.users import User


class JobOutputQuerySet(models.QuerySet["JobOutput"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Return the outputs of the jobs that `user` may see."""
        return self.filter(job__in=Job.objects.visible_to(user))

    def owned_by(self, user: User | AnonymousUser) -> Self:
        """Return what a person has asked for."""
        return self.filter(job__owner=user.pk)

    def expired(self, *, after: timedelta) -> Self:
        """Return what is to be deleted: files whose time is over, and what failed or was cancelled so long ago."""
        ended = seconds_from_now(-after.total_seconds())
        return self.filter(Q(expires__lte=Now()) | Q(key="", job__finished__lte=ended))

    def without_job(self) -> Self:
        """Return what is left of jobs that a release deleted which does not know this table."""
        return self.filter(~Exists(Job.objects.filter(pk=OuterRef("job"))))


class JobOutput(models.Model):
    """What a job that is no run was asked for, and the file that it has made; it stands under `outputs/<uuid>/`."""

    # Without a constraint in the database: a release that does not know this table can delete jobs beside it.
    job = models.OneToOneField(Job, models.CASCADE, primary_key=True, related_name="output", db_constraint=False)
    request = models.JSONField(default=dict)
    key = models.CharField(max_length=255, blank=True, default="")  # "": not made yet
    bytes = models.PositiveBigIntegerField(_("size"), null=True)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    content_type = models.CharField(max_length=64, blank=True, default="")
    expires = models.DateTimeField(null=True, db_index=True)  # when it is deleted; null: not before it is made

    objects = JobOutputQuerySet.as_manager()

    class Meta:
        verbose_name = _("output of a job")
        verbose_name_plural = _("outputs of jobs")

    def __str__(self) -> str:
        return f"Output of {self.job_id}"

    @property
    def id(self) -> uuid.UUID:
        return self.job_id
