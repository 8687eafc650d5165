"""The present state of the site, for its administrators: queue, workers and storage."""

import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, DurationField, Exists, ExpressionWrapper, F, Max, OuterRef, Q, Sum
from django.db.models.functions import Now

from segmentation import files
from segmentation.execution.kinds import KINDS
from segmentation.models import Image, Job, PeriodicTask, Run, User, Worker
from segmentation.models.database_time import seconds_from_now
from segmentation.models.jobs import State
from segmentation.models.periodic_tasks import PeriodicTaskName

_DAY_SECONDS = 86_400
_WEEK_SECONDS = 7 * _DAY_SECONDS
_SHOWN_WORKERS = 50
_CACHED_SECONDS = 300  # adding up the sizes reads all images: 30 ms for 100,000


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStatus:
    """Numbers of waiting and running jobs, of workers and of their slots."""

    waiting: int
    waiting_by_kind: dict[str, int]  # for each kind that this release knows
    waiting_seconds: float  # expected cost of all waiting jobs, in core-seconds at speed 1
    oldest_seconds: float  # how long the oldest job has waited; 0 when none waits
    running: int
    workers: int  # that are alive
    leaving: int  # those of them that were told to stop
    slots: int  # of these workers, for long and for short jobs
    short_slots: int  # further ones, for short jobs only


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningJob:
    """A running job, as of its last heartbeat."""

    id: uuid.UUID
    label: str  # a short description; "" for a viewer who may not see it
    run: Run | None  # with its image and owner; None for other kinds of job, and for a viewer who may not see it
    stage: str  # its title
    percent: int
    seconds: float  # since it was started
    lease_seconds: float  # until its lease expires

    @property
    def short_id(self) -> str:
        return str(self.id)[:8]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus:
    """A worker and its running jobs."""

    worker: Worker
    jobs: tuple[RunningJob, ...]
    silent_seconds: float  # since the last heartbeat of the worker or of one of its jobs

    @property
    def is_leaving(self) -> bool:
        """Whether the worker was told to stop and finishes its running jobs."""
        return self.worker.leaving is not None

    @property
    def is_silent(self) -> bool:
        """Whether its heartbeat is late: workers send at least three in the time of a lease."""
        return bool(self.silent_seconds > settings.GMM_LEASE_SECONDS / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatuses:
    """The workers that are alive or hold a job. Those whose heartbeat is late come last, those with jobs first."""

    shown: tuple[WorkerStatus, ...]
    more: int  # number of workers that are not shown


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageStatus:
    """Bytes of the storage for pictures: free, total and used."""

    free: int | None  # None where the storage is unlimited, as S3 is
    total: int | None
    originals: int
    results: int  # of all other files, as of the last daily sweep; 0 before the first
    growth: float  # mean bytes a day by which originals and results have grown in the last week

    @property
    def days_left(self) -> float | None:
        """Days until the storage is full at the present growth; None when it is unlimited or does not grow."""
        return None if self.free is None or not self.growth else self.free / self.growth


def queue() -> QueueStatus:
    """Return the numbers of waiting and running jobs, workers and slots."""
    cost = Sum("expected_seconds", default=0.0)
    queued = Job.objects.queued().of_kinds(KINDS)
    of_kind = {kind: Count("pk", filter=Q(kind=kind)) for kind in KINDS}
    waiting = queued.aggregate(n=Count("pk"), age=Max(Now() - F("queued")), cost=cost, **of_kind)
    slots, short_slots = Sum("slots", default=0), Sum("short_slots", default=0)
    alive = Worker.objects.alive().aggregate(
        n=Count("pk"), leaving=Count("leaving"), slots=slots, short_slots=short_slots
    )
    return QueueStatus(
        waiting=waiting["n"],
        waiting_by_kind={kind: waiting[kind] for kind in KINDS},
        waiting_seconds=waiting["cost"],
        oldest_seconds=_seconds(waiting["age"]),
        running=Job.objects.running().count(),
        workers=alive["n"],
        leaving=alive["leaving"],
        slots=alive["slots"],
        short_slots=alive["short_slots"],
    )


def workers(*, user: User) -> WorkerStatuses:
    """Return the workers that are alive or still hold jobs. Only jobs that `user` may see are described."""
    holds = Exists(Job.objects.running().filter(worker=OuterRef("pk")))
    found = Worker.objects.annotate(silent=_span(Now() - F("seen"))).filter(
        Q(seen__gt=seconds_from_now(-settings.GMM_LEASE_SECONDS)) | holds
    )
    shown: list[Any] = list(found.order_by("host", "started", "pk")[: _SHOWN_WORKERS + 1])
    more = found.count() - _SHOWN_WORKERS if len(shown) > _SHOWN_WORKERS else 0
    jobs = defaultdict(list)
    for worker_id, job in _running_jobs(user):
        jobs[worker_id].append(job)
    statuses = (_status(worker, tuple(jobs[worker.pk])) for worker in shown[:_SHOWN_WORKERS])
    return WorkerStatuses(shown=tuple(sorted(statuses, key=lambda one: (one.is_silent, not one.jobs))), more=more)


def jobs_by_state() -> dict[tuple[str, str], int]:
    """Return the number of all jobs by kind and state. It reads the whole table."""
    counted = Job.objects.of_kinds(KINDS).order_by().values_list("kind", "state").annotate(n=Count("*"))
    return dict.fromkeys(product(KINDS, State.values), 0) | {(kind, state): n for kind, state, n in counted}


def storage() -> StorageStatus:
    """Return free and used bytes of the storage for pictures, and the growth of the used bytes.

    The growth is the size of the originals that were uploaded in the last 7 days by the number of days (fewer for a younger
    site, but at least one), times the ratio of all stored bytes to those of originals as of the last daily sweep.
    """
    left = files.space_left()
    originals, new, days, results = cache.get_or_set("stored", _stored, _CACHED_SECONDS) or (0, 0, 1.0, 0)
    return StorageStatus(
        free=left[0] if left else None,
        total=left[1] if left else None,
        originals=originals,
        results=results,
        growth=new / days * (1 + results / originals) if originals else 0.0,
    )


def _stored() -> tuple[int, int, float, int]:
    """Return the bytes of all originals, those of the last week, the number of days of that week, and the bytes of results."""
    new = Sum("bytes", filter=Q(created__gt=seconds_from_now(-_WEEK_SECONDS)), default=0)
    found = Image.objects.aggregate(size=Sum("bytes", default=0), new=new, age=Max(Now() - F("created")))
    swept = (
        PeriodicTask.objects.filter(name=PeriodicTaskName.FILES).values_list("report__kept__bytes", flat=True).first()
    )
    days = min(max(_seconds(found["age"]), _DAY_SECONDS), _WEEK_SECONDS) / _DAY_SECONDS
    return int(found["size"]), int(found["new"]), days, max(0, int(swept or 0) - int(found["size"]))


def _status(worker: Any, jobs: tuple[RunningJob, ...]) -> WorkerStatus:
    beats = (settings.GMM_LEASE_SECONDS - job.lease_seconds for job in jobs)
    return WorkerStatus(worker=worker, jobs=jobs, silent_seconds=max(0.0, min([_seconds(worker.silent), *beats])))


def _running_jobs(user: User) -> Iterator[tuple[uuid.UUID | None, RunningJob]]:
    visible = Exists(Job.objects.visible_to(user).filter(pk=OuterRef("pk")))
    spans = {"since": _span(Now() - F("started")), "left": _span(F("lease_until") - Now())}
    running = Job.objects.running().select_related("owner").annotate(is_visible=visible, **spans)
    named = Run.objects.visible_to(user).filter(job__state="running").select_related("image", "image__owner")
    runs = {run.pk: run for run in named.defer("image__metadata", "recipe", "inputs")}
    job: Any
    for job in running.order_by("started", "pk"):
        yield (
            job.worker_id,
            RunningJob(
                id=job.pk,
                label=_label(job) if job.is_visible and job.pk not in runs else "",
                run=runs.get(job.pk),
                stage=KINDS[job.kind].stage_title(job.stage) if job.kind in KINDS else "",
                percent=job.percent,
                seconds=_seconds(job.since),
                lease_seconds=_seconds(job.left),
            ),
        )


def _label(job: Job) -> str:
    return KINDS[job.kind].label(job) if job.kind in KINDS else job.kind


def _span(difference: Any) -> ExpressionWrapper[Any]:
    return ExpressionWrapper(difference, output_field=DurationField())


def _seconds(span: timedelta | None) -> float:
    return span.total_seconds() if span else 0.0
