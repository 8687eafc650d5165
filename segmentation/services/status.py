"""What a run's page and the API say of a run while it lives."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.db.models import Avg, F, Max, Sum
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from segmentation import execution
from segmentation.engine.progress import Stage
from segmentation.models import Job, Run, Worker
from segmentation.models.jobs import State

STAGE_NAMES = {
    Stage.READING: gettext_lazy("Read the picture"),
    Stage.COUNTING: gettext_lazy("Collect its colours"),
    Stage.FITTING: gettext_lazy("Fit the mixture"),
    Stage.LABELLING: gettext_lazy("Label every pixel"),
    Stage.WRITING: gettext_lazy("Store the pictures"),
}
_RECENT_RUNS = 20
_REMEMBERED_SECONDS = 5  # everybody who waits asks several times a second
_ENOUGH_PERCENT = 10  # before that, elapsed time says nothing about what is left


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
    position: int | None  # how many are before it; None unless queued
    seconds_left: float | None  # None when there is nothing to estimate it from
    revision: int
    recipe: dict[str, Any]
    workers_alive: bool

    @property
    def is_active(self) -> bool:
        return self.state in {State.QUEUED, State.RUNNING}


def run_status(*, run: Run) -> RunStatus:
    """Return how `run` stands; reads the job's row as it is in memory, so fetch the run afresh."""
    job = run.job
    position = execution.position(job) if job.state == State.QUEUED else None
    places = _places() if job.is_active else 0
    alive = places > 0 or not job.is_active
    return RunStatus(
        id=job.pk,
        image=run.image_id,
        state=job.state,
        stage=job.stage,
        percent=job.percent,
        message=_message(job, position, workers_alive=alive),
        error=RunError(code=job.error_code, detail=_(job.error_detail)) if job.state == State.FAILED else None,
        position=position,
        seconds_left=_seconds_left(job, position, places=places),
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
        return str(STAGE_NAMES[Stage(job.stage)])
    return str(State(job.state).label)


def _seconds_left(job: Job, position: int | None, *, places: int) -> float | None:
    if job.state == State.RUNNING and job.started and job.percent >= _ENOUGH_PERCENT:
        elapsed = Job.objects.filter(pk=job.pk).aggregate(elapsed=Max(Now() - F("started")))["elapsed"]
        return float(elapsed.total_seconds()) * (100 - job.percent) / job.percent if elapsed else None
    if position is None or not places:
        return None
    average = cache.get_or_set("average-of-runs", _average_seconds, _REMEMBERED_SECONDS)
    return None if average is None else average * (position + 1) / places


def _places() -> int:
    """How many runs the workers that live do at a time."""
    return int(Worker.objects.alive().aggregate(places=Sum("slots", default=0))["places"])


def _average_seconds() -> float | None:
    """How long the newest runs took; None while there are none."""
    recent = Job.objects.filter(state=State.SUCCEEDED).order_by("-created", "-id")[:_RECENT_RUNS]
    average = Job.objects.filter(pk__in=recent.values("pk")).aggregate(seconds=Avg(F("finished") - F("started")))
    return float(average["seconds"].total_seconds()) if average["seconds"] is not None else None
