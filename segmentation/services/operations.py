"""How the site stands now, for those who run it: what waits, who works on what, how much room is left."""

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
_REMEMBERED_SECONDS = 300  # adding up the sizes reads all images: 30 ms for 100,000


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What waits and what runs, and how many slots there are."""

    waiting: int
    waiting_by_kind: dict[str, int]  # of each kind that this release knows
    waiting_seconds: float  # expected cost of what waits, in core-seconds at speed 1
    oldest_seconds: float  # how long the first has waited; 0 when none does
    running: int
    workers: int  # that live
    leaving: int  # of those, who begin no more runs
    places: int  # of all that live, for long and for short runs
    short_places: int  # of all that live, further ones for short runs only


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningJob:
    """One job that runs, as its worker last told of it."""

    id: uuid.UUID
    label: str  # what it is, in words; "" for who may not see it
    run: Run | None  # with its image and owner; None when it is none, and for who may not see it
    stage: str  # in words
    percent: int
    seconds: float  # since it was begun
    lease_seconds: float  # until it is given to another worker

    @property
    def short_id(self) -> str:
        return str(self.id)[:8]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatus:
    """A worker and the jobs that it does."""

    worker: Worker
    jobs: tuple[RunningJob, ...]
    silent_seconds: float  # since its last heartbeat, or the last one of its jobs

    @property
    def is_leaving(self) -> bool:
        """Whether it was told to stop, and finishes what it has."""
        return self.worker.leaving is not None

    @property
    def is_silent(self) -> bool:
        """Whether it should have been heard of: it beats at least three times a lease."""
        return bool(self.silent_seconds > settings.GMM_LEASE_SECONDS / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStatuses:
    """The workers that live or hold a job; those that need attention first."""

    shown: tuple[WorkerStatus, ...]
    more: int  # that are not among them


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """Bytes on the disk of the pictures, and what the originals take of them."""

    free: int | None  # None where the storage has no end, as on S3
    total: int | None
    originals: int
    results: int  # of the files that were made from them, as of the last daily sweep; 0 before the first
    growth: float  # bytes a day by which originals and results have grown within the last week

    @property
    def days_left(self) -> float | None:
        """How long the free room lasts when it is taken as it was within the last week; None when nothing takes it."""
        return None if self.free is None or not self.growth else self.free / self.growth


def queue() -> Queue:
    """Return what waits and what runs."""
    cost = Sum("expected_seconds", default=0.0)
    queued = Job.objects.queued().of_kinds(KINDS)
    of_kind = {kind: Count("pk", filter=Q(kind=kind)) for kind in KINDS}
    waiting = queued.aggregate(n=Count("pk"), age=Max(Now() - F("queued")), cost=cost, **of_kind)
    slots, short_slots = Sum("slots", default=0), Sum("short_slots", default=0)
    alive = Worker.objects.alive().aggregate(
        n=Count("pk"), leaving=Count("leaving"), places=slots, short_places=short_slots
    )
    return Queue(
        waiting=waiting["n"],
        waiting_by_kind={kind: waiting[kind] for kind in KINDS},
        waiting_seconds=waiting["cost"],
        oldest_seconds=_seconds(waiting["age"]),
        running=Job.objects.running().count(),
        workers=alive["n"],
        leaving=alive["leaving"],
        places=alive["places"],
        short_places=alive["short_places"],
    )


def workers(*, user: User) -> WorkerStatuses:
    """Return the workers that live, or that still hold jobs; jobs are named as far as `user` may see them."""
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
    """Return how many jobs there are of each kind in each state, from the first day on; reads the whole table."""
    counted = Job.objects.of_kinds(KINDS).order_by().values_list("kind", "state").annotate(n=Count("*"))
    return dict.fromkeys(product(KINDS, State.values), 0) | {(kind, state): n for kind, state, n in counted}


def storage() -> Storage:
    """Return how much room is left, what takes it, and how fast.

    The originals of the last week say how fast; a site that is younger has had as many days as it is old, but one at least.
    The daily sweep says how much is stored for each byte of an original. What was deleted since does not count.
    """
    left = files.space_left()
    originals, new, days, results = cache.get_or_set("stored", _stored, _REMEMBERED_SECONDS) or (0, 0, 1.0, 0)
    return Storage(
        free=left[0] if left else None,
        total=left[1] if left else None,
        originals=originals,
        results=results,
        growth=new / days * (1 + results / originals) if originals else 0.0,
    )


def _stored() -> tuple[int, int, float, int]:
    """Bytes of all originals and of the last week's, the days in which those came, and bytes of results."""
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
