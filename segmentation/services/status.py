"""What a run's page and the API say of a run while it lives."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db.models import F, Max
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from segmentation import execution
from segmentation.execution import Expected
from segmentation.execution.kinds import kind_of
from segmentation.models import Job, Run, Worker
from segmentation.models.jobs import State

_REMEMBERED_SECONDS = 1  # everybody who waits asks several times a second


@dataclass(frozen=True, slots=True, kw_only=True)
class RunError:
    """Why a run failed: a stable code and a sentence."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """The state of a run at one moment."""

    id: uuid.UUID
    image: uuid.UUID
    state: str
    stage: str  # "" unless running
    percent: int
    message: str  # one sentence for people
    error: RunError | None
    position: int | None  # how many runs begin before it; None unless queued
    seconds_left: float | None  # until its end, as expected; None when nobody works, and when the run is over
    revision: int
    recipe: dict[str, Any]
    workers_alive: bool

    @property
    def is_active(self) -> bool:
        return self.state in {State.QUEUED, State.RUNNING}


def run_status(*, run: Run) -> RunStatus:
    """Return how `run` stands; reads the job's row as it is in memory, so fetch the run afresh."""
    job = run.job
    expected = forecast_of(job) if job.state == State.QUEUED else None
    position = None if job.state != State.QUEUED else expected.position if expected else 0
    alive = not job.is_active or Worker.objects.alive().exists()
    return RunStatus(
        id=job.pk,
        image=run.image_id,
        state=job.state,
        stage=job.stage,
        percent=job.percent,
        message=_message(job, position, workers_alive=alive),
        error=RunError(code=job.error_code, detail=_(job.error_detail)) if job.state == State.FAILED else None,
        position=position,
        seconds_left=_seconds_left(job, expected) if alive else None,
        revision=run.revision,
        recipe=run.recipe,
        workers_alive=alive,
    )


def _message(job: Job, position: int | None, *, workers_alive: bool) -> str:
    if job.state == State.QUEUED and not workers_alive:
        return _("No worker is running. The run is kept and starts as soon as one does.")
    if job.state == State.QUEUED and position:
        return ngettext("%(n)s run before yours.", "%(n)s runs before yours.", position) % {"n": position}
    if job.state == State.QUEUED:
        return _("Yours is next.")
    if job.state == State.RUNNING and job.stage:
        return kind_of(job).stage_title(job.stage)
    return str(State(job.state).label)


def forecast_of(job: Job) -> Expected | None:
    """Return what becomes of a waiting job; None when it does not wait any more, or may not begin yet."""
    forecast: execution.Forecast = cache.get("forecast") or {}
    if job.pk not in forecast:  # it came after the last look
        forecast = execution.forecast()
        cache.set("forecast", forecast, _REMEMBERED_SECONDS)
    return forecast.get(job.pk)


def _seconds_left(job: Job, expected: Expected | None) -> float | None:
    if job.state == State.QUEUED:
        return expected.ends if expected else None
    if job.state != State.RUNNING or job.expected_seconds is None:
        return None
    now = Job.objects.filter(pk=job.pk).aggregate(elapsed=Max(Now() - F("started")), speed=Max("worker__speed"))
    if now["elapsed"] is None:
        return None
    elapsed, speed = now["elapsed"].total_seconds(), now["speed"] or 1.0
    return execution.seconds_left(expected=job.expected_seconds / speed, elapsed=elapsed, percent=job.percent)
