"""The status of a run, as its page and the API show it."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db.models import F, Max
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from segmentation import execution
from segmentation.execution import ExpectedTimes
from segmentation.execution.kinds import kind_of
from segmentation.models import Job, Run, Worker
from segmentation.models.jobs import State

_CACHED_SECONDS = 1  # pages of waiting runs ask several times a second


@dataclass(frozen=True, slots=True, kw_only=True)
class RunError:
    """Why a run failed: a stable code and a sentence."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """The present status of a run."""

    id: uuid.UUID
    image: uuid.UUID
    state: str
    stage: str  # "" unless running
    percent: int
    message: str  # one sentence for people
    error: RunError | None
    position: int | None  # number of runs that are expected to start before it; None unless queued
    seconds_left: float | None  # until its expected end; None when no worker is alive, and when the run has ended
    revision: int
    recipe: dict[str, Any]
    workers_alive: bool

    @property
    def is_active(self) -> bool:
        return self.state in {State.QUEUED, State.RUNNING}


def run_status(*, run: Run) -> RunStatus:
    """Return the status of `run`. The state is that of `run.job` in memory, so pass a freshly fetched run."""
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


def forecast_of(job: Job) -> ExpectedTimes | None:
    """Return position, start and end that are expected of a waiting job; None when it no longer waits or may not start yet."""
    forecast: execution.Forecast = cache.get("forecast") or {}
    if job.pk not in forecast:  # it was queued after the forecast was made
        forecast = execution.forecast()
        cache.set("forecast", forecast, _CACHED_SECONDS)
    return forecast.get(job.pk)


def _seconds_left(job: Job, expected: ExpectedTimes | None) -> float | None:
    if job.state == State.QUEUED:
        return expected.ends if expected else None
    if job.state != State.RUNNING or job.expected_seconds is None:
        return None
    now = Job.objects.filter(pk=job.pk).aggregate(elapsed=Max(Now() - F("started")), speed=Max("worker__speed"))
    if now["elapsed"] is None:
        return None
    elapsed, speed = now["elapsed"].total_seconds(), now["speed"] or 1.0
    return execution.seconds_left(expected=job.expected_seconds / speed, elapsed=elapsed, percent=job.percent)
