"""Forecast of when waiting jobs will start and end, computed from the present rows."""

import uuid
from datetime import timedelta
from typing import Any

from django.db.models import DurationField, ExpressionWrapper, F, Max
from django.db.models.functions import Now

from segmentation.execution.kinds import KINDS
from segmentation.execution.schedule import ExpectedTimes, Running, Simulation, Slots, Waiting
from segmentation.models import Job, Worker
from segmentation.models.jobs import SHORT_SECONDS

Forecast = dict[uuid.UUID, ExpectedTimes]
"""The expected position, start and end of each waiting job, by its id."""

_ENOUGH_PERCENT = 10  # below this, the time that is left cannot be estimated from the elapsed time
_NO_WORKER = uuid.UUID(int=0)


def forecast() -> Forecast:
    """Return when each waiting job is expected to start and end, and how many jobs of its kind start before it.

    Without a worker, the forecast is that of one worker with one slot for long jobs.
    """
    waiting = [
        _waiting(row)
        for row in Job.objects.ready().of_kinds(KINDS).annotate(waited=_span(Now() - F("queued"))).values(*_COLUMNS)
    ]
    if not waiting:
        return {}
    workers = [
        Slots(worker=worker.pk, long=worker.slots, short=worker.short_slots, speed=worker.speed)
        for worker in Worker.objects.accepting_jobs()
    ]
    owners = {job.owner for job in waiting}
    claimed = Job.objects.filter(owner__in=owners, claimed__isnull=False).order_by().values_list("owner")
    return Simulation(
        workers=workers or [Slots(worker=_NO_WORKER, long=1, short=1, speed=1.0)],
        running=list(_running()),
        waiting=waiting,
        served=dict(claimed.annotate(last=Max("claimed"))),
    ).expected()


def seconds_left(*, expected: float, elapsed: float, percent: int) -> float:
    """Return how long a running job will still take, in seconds.

    Parameters
    ----------
    expected : float
        Seconds that it was expected to take on its worker.
    elapsed : float
        Seconds since it was started.
    percent : int
        Its progress; used only when it takes longer than expected.
    """
    if elapsed < expected:
        return expected - elapsed
    if percent >= _ENOUGH_PERCENT:
        return elapsed * (100 - percent) / percent
    return elapsed


_COLUMNS = ("pk", "owner", "kind", "queued", "waited", "expected_seconds")


def _waiting(row: dict[str, Any]) -> Waiting:
    cost = row["expected_seconds"]
    return Waiting(
        id=row["pk"],
        owner=row["owner"],
        kind=row["kind"],
        queued=row["queued"],
        waited=_seconds(row["waited"]),
        cost=SHORT_SECONDS if cost is None else cost,  # until a worker estimates it
    )


def _running() -> Any:
    now = {"waited": _span(Now() - F("queued")), "elapsed": _span(Now() - F("started"))}
    columns = (*_COLUMNS, "elapsed", "percent", "claimed", "worker", "worker__speed")
    for row in Job.objects.running().annotate(**now).values(*columns):
        job, speed = _waiting(row), row["worker__speed"] or 1.0
        left = seconds_left(expected=job.cost / speed, elapsed=_seconds(row["elapsed"]), percent=row["percent"])
        is_long = job.cost >= SHORT_SECONDS * speed
        yield Running(
            job=job, worker=row["worker"], is_long=is_long, claimed=row["claimed"] or row["queued"], left=left
        )


def _span(difference: Any) -> ExpressionWrapper[Any]:
    return ExpressionWrapper(difference, output_field=DurationField())


def _seconds(span: timedelta | None) -> float:
    return max(0.0, span.total_seconds()) if span else 0.0
