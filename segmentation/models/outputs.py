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
        """Return the outputs of the jobs that `user` owns."""
        return self.filter(job__owner=user.pk)

    def expired(self, *, after: timedelta) -> Self:
        """Return the outputs to delete: expired ones, and those without a file whose job ended at least `after` ago."""
        ended = seconds_from_now(-after.total_seconds())
        return self.filter(Q(expires__lte=Now()) | Q(key="", job__finished__lte=ended))

    def without_job(self) -> Self:
        """Return the outputs whose job was deleted by an older release, which does not know this table."""
        return self.filter(~Exists(Job.objects.filter(pk=OuterRef("job"))))


class JobOutput(models.Model):
    """The request of a job that is not a run, and the file it has made, whose key begins with `outputs/<uuid>/`."""

    # No constraint in the database: a release that does not know this table must be able to delete jobs.
    job = models.OneToOneField(Job, models.CASCADE, primary_key=True, related_name="output", db_constraint=False)
    request = models.JSONField(default=dict)
    key = models.CharField(max_length=255, blank=True, default="")  # "": not made yet
    bytes = models.PositiveBigIntegerField(_("size"), null=True)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    content_type = models.CharField(max_length=64, blank=True, default="")
    expires = models.DateTimeField(null=True, db_index=True)  # when the file is deleted; null until it is made

    objects = JobOutputQuerySet.as_manager()

    class Meta:
        verbose_name = _("output of a job")
        verbose_name_plural = _("outputs of jobs")

    def __str__(self) -> str:
        return f"Output of {self.job_id}"

    @property
    def id(self) -> uuid.UUID:
        return self.job_id
