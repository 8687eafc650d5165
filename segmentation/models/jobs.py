import uuid
from collections.abc import Iterable
from typing import Self

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.utils.translation import gettext_lazy as _

from segmentation import access
from segmentation.models.database_time import seconds_from_now
from segmentation.models.users import User


class State(models.TextChoices):
    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    SUCCEEDED = "succeeded", _("Finished")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


SHORT_SECONDS = 5.0
"""A job is short if its worker is expected to finish it in less than this, and long otherwise."""


class JobKind(models.TextChoices):
    """The kinds of background work; `execution.kinds` implements each of them."""

    RUN = "run", _("Segmentation")
    ARCHIVE = "archive", _("Download of a person's data")


TERMINAL = (State.SUCCEEDED, State.FAILED, State.CANCELLED)
_FRESH = {"lease": None, "lease_until": None, "stage": "", "percent": 0}


class JobQuerySet(models.QuerySet["Job"]):
    """Queries and state changes of jobs.

    Each state change is one UPDATE whose WHERE clause tests the old state or the lease. It returns whether it changed the
    row; False means that another process has changed the state before.
    """

    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Return the jobs that `user` may see: their own, and all for staff who may view jobs."""
        return access.visible(self, user=user)

    def queued(self) -> Self:
        return self.filter(state=State.QUEUED)

    def ready(self) -> Self:
        """Return the queued jobs that may start now (see `not_before`)."""
        return self.queued().filter(Q(not_before=None) | Q(not_before__lte=Now()))

    def short(self, *, speed: float) -> Self:
        """Return the jobs that are short on a worker of this speed, and those whose cost is not estimated yet."""
        return self.filter(Q(expected_seconds=None) | Q(expected_seconds__lt=SHORT_SECONDS * speed))

    def of_kinds(self, names: Iterable[str]) -> Self:
        return self.filter(kind__in=list(names))

    def running(self) -> Self:
        return self.filter(state=State.RUNNING)

    def running_long(self) -> Self:
        """Return the running jobs that are long at the speed of their workers."""
        here = SHORT_SECONDS * Coalesce(F("worker__speed"), 1.0)
        return self.running().filter(Q(expected_seconds=None) | Q(expected_seconds__gte=here))

    def active(self) -> Self:
        return self.filter(state__in=(State.QUEUED, State.RUNNING))

    def stalled(self) -> Self:
        """Return the running jobs whose lease has expired."""
        return self.running().filter(lease_until__lt=Now())

    def claim(self, job_id: uuid.UUID, *, worker_id: uuid.UUID) -> uuid.UUID | None:
        """QUEUED -> RUNNING. Return the new lease, or None when the job is no longer queued."""
        lease = uuid.uuid4()
        claimed = (
            self.queued()
            .filter(pk=job_id)
            .update(
                **_FRESH
                | {
                    "state": State.RUNNING,
                    "lease": lease,
                    "lease_until": seconds_from_now(settings.GMM_LEASE_SECONDS),
                    "worker_id": worker_id,
                    "claimed": Now(),
                    "started": Now(),
                    "attempt": F("attempt") + 1,
                }
            )
        )
        return lease if claimed else None

    def extend_lease(self, lease: uuid.UUID, *, stage: str, percent: int) -> bool:
        """Extend a lease, and store stage and percent of the job."""
        return (
            self._held(lease).update(
                lease_until=seconds_from_now(settings.GMM_LEASE_SECONDS), stage=stage, percent=percent
            )
            > 0
        )

    def succeed(self, lease: uuid.UUID) -> bool:
        """RUNNING -> SUCCEEDED."""
        return self._held(lease).update(**_FRESH | {"state": State.SUCCEEDED, "finished": Now(), "percent": 100}) > 0

    def fail(self, lease: uuid.UUID, *, code: str, detail: str) -> bool:
        """RUNNING -> FAILED."""
        return (
            self._held(lease).update(
                **_FRESH | {"state": State.FAILED, "finished": Now(), "error_code": code, "error_detail": detail}
            )
            > 0
        )

    def requeue(self, lease: uuid.UUID, *, counted: bool) -> bool:
        """RUNNING -> QUEUED, with its old position in the queue; `counted` says whether the attempt counts."""
        attempt = F("attempt") if counted else F("attempt") - 1
        return self._held(lease).update(**_FRESH | {"state": State.QUEUED, "started": None, "attempt": attempt}) > 0

    def cancel(self, job_id: uuid.UUID) -> bool:
        """QUEUED or RUNNING -> CANCELLED. The worker of a running job notices at its next heartbeat."""
        return self.active().filter(pk=job_id).update(**_FRESH | {"state": State.CANCELLED, "finished": Now()}) > 0

    def retry(self, job_id: uuid.UUID) -> bool:
        """FAILED or CANCELLED -> QUEUED, at the end of the queue and with the number of attempts reset."""
        return (
            self.filter(pk=job_id, state__in=(State.FAILED, State.CANCELLED)).update(
                **_FRESH
                | {
                    "state": State.QUEUED,
                    "queued": Now(),
                    "not_before": None,
                    "started": None,
                    "finished": None,
                    "attempt": 0,
                    "error_code": "",
                    "error_detail": "",
                }
            )
            > 0
        )

    def set_expected_seconds(self, job_id: uuid.UUID, *, seconds: float) -> bool:
        """Store the expected cost of a job that has none yet."""
        return self.filter(pk=job_id, expected_seconds=None).update(expected_seconds=seconds) > 0

    def raise_expected_seconds(self, lease: uuid.UUID, *, seconds: float) -> bool:
        """Replace the expected cost of a running job, which takes longer than expected."""
        return self._held(lease).update(expected_seconds=seconds) > 0

    def _held(self, lease: uuid.UUID) -> Self:
        return self.filter(lease=lease, state=State.RUNNING)


class Job(models.Model):
    """One piece of background work. Scheduling, queue positions and the sweep read this table only."""

    OWNER = "owner"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=16, choices=JobKind.choices, default=JobKind.RUN)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="jobs", db_index=False)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.QUEUED)
    created = models.DateTimeField(_("created"), db_default=Now())
    queued = models.DateTimeField(_("queued"), db_default=Now())  # later than created after a retry
    claimed = models.DateTimeField(null=True)  # kept when the job is requeued, since it decides which owner is next
    started = models.DateTimeField(_("started"), null=True)
    finished = models.DateTimeField(_("finished"), null=True)
    lease = models.UUIDField(null=True, unique=True)  # only its holder may write
    lease_until = models.DateTimeField(null=True)
    worker = models.ForeignKey("segmentation.Worker", models.SET_NULL, null=True, related_name="jobs")
    attempt = models.PositiveSmallIntegerField(_("attempts"), default=0)
    stage = models.CharField(_("stage"), max_length=16, blank=True, default="")
    percent = models.PositiveSmallIntegerField(_("percent"), default=0)
    # Core-seconds at speed 1; null: not estimated yet
    expected_seconds = models.FloatField(_("expected cost"), null=True)
    not_before = models.DateTimeField(_("not before"), null=True)  # when it may be claimed; null: at once
    error_code = models.CharField(_("error"), max_length=32, blank=True, default="")
    error_detail = models.TextField(_("error in words"), blank=True, default="")

    objects = JobQuerySet.as_manager()

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        constraints = (
            models.CheckConstraint(name="job_state_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(
                name="job_running_has_lease",
                condition=Q(state=State.RUNNING, lease__isnull=False) | ~Q(state=State.RUNNING) & Q(lease=None),
            ),
            models.CheckConstraint(
                name="job_terminal_has_finished",
                condition=Q(state__in=TERMINAL, finished__isnull=False) | ~Q(state__in=TERMINAL) & Q(finished=None),
            ),
            models.CheckConstraint(name="job_percent", condition=Q(percent__range=(0, 100))),
        )
        indexes = (
            models.Index(fields=("owner", "queued", "id"), name="job_queued", condition=Q(state="queued")),
            models.Index(fields=("owner", "lease_until"), name="job_running", condition=Q(state="running")),
            models.Index(fields=("owner", "claimed"), name="job_served"),
            models.Index(fields=("owner", "-created", "-id"), name="job_of_owner"),
            models.Index(fields=("-created", "-id"), name="job_newest"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {str(self.pk)[:8]}, {self.get_state_display()}"

    @property
    def is_active(self) -> bool:
        return self.state in {State.QUEUED, State.RUNNING}
