"""Context of the Queue page: warnings, waiting jobs, workers, statistics of the last day, and storage."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from segmentation import formatting, services
from segmentation.execution.kinds import KINDS
from segmentation.models import User
from segmentation.models.jobs import JobKind
from segmentation.services import RecentJobs, RunningJob, WorkerStatus, WorkerStatuses

# Layout of the chart, in units of its view box.
_LEFT, _BASE, _TOP, _STEP, _BAR = 28.0, 128.0, 16.0, 28.83, 24.8
_LABEL_HOURS = 6  # hours between two labels of the time axis
_BARS = 400.0  # width of the longest bar of a stage


@dataclass(frozen=True, slots=True)
class QueueWarning:
    """Problem, and what to do or what happens by itself."""

    problem: str
    consequence: str


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """Row of the table of workers: a worker with one of its jobs, or without a job if it is idle."""

    status: WorkerStatus
    job: RunningJob | None
    heartbeat_age: str
    job_age: str


@dataclass(frozen=True, slots=True)
class Column:
    """One hour in the chart, as text for the SVG attributes of its two bars."""

    x: str
    done_y: str
    done: str
    bad_y: str
    bad: str
    label_x: str
    label: str


@dataclass(frozen=True, slots=True)
class GridLine:
    """Horizontal line of the chart with its label."""

    y: str
    text_y: str
    text: int


@dataclass(frozen=True, slots=True)
class StageRow:
    """Row of the table of stages: durations as text, and lengths of their bars."""

    name: str
    median: str
    most: str
    median_bar: str
    most_bar: str


def page(*, user: User) -> dict[str, Any]:
    """Return the context of the template. The number of queries is constant."""
    now, workers, day, room = services.queue(), services.workers(user=user), services.recent_jobs(), services.storage()
    columns, grid = _chart(day)
    return {
        "warnings": list(_warnings(now, workers)),
        "now": now,
        "waiting_by_kind": [(JobKind(name).label, n) for name, n in now.waiting_by_kind.items() if n],
        "oldest": formatting.short_duration(now.oldest_seconds),
        "work": formatting.short_duration(now.waiting_seconds),
        "silent": sum(status.is_silent for status in workers.shown),
        "day": day,
        "ended": day.succeeded + day.failed,
        "failure_rate": None if day.failure_rate is None else formatting.percent(day.failure_rate),
        "whole": _time_to_result(day),
        "more_workers": workers.more,
        "rows": list(_worker_rows(workers)),
        "columns": columns,
        "grid": grid,
        "failures": [(services.failure_heading(code), code, count) for code, count in day.failures],
        "stages": _stages(day),
        "room": _room(room),
        "at": timezone.localtime(),
    }


def _warnings(now: services.QueueStatus, workers: WorkerStatuses) -> Iterator[QueueWarning]:
    if not now.workers:
        waiting = ngettext("%(n)s run waits for one.", "%(n)s runs wait for one.", now.waiting) % {"n": now.waiting}
        yield QueueWarning(_("No worker is running."), f"{waiting} " + _("Start manage.py worker."))
    elif now.leaving == now.workers:
        waiting = ngettext("%(n)s run waits for a new one.", "%(n)s runs wait for a new one.", now.waiting)
        yield QueueWarning(_("All workers are stopping."), waiting % {"n": now.waiting})
    for status in workers.shown:
        if status.is_silent:
            problem = _("%(worker)s has sent no heartbeat for %(time)s.")
            values = {"worker": status.worker, "time": formatting.short_duration(status.silent_seconds)}
            yield QueueWarning(problem % values, _consequence(status))


def _consequence(status: WorkerStatus) -> str:
    if not status.jobs:
        return _("It has no run. If it has stopped, it will be removed from this list.")
    left = min(job.lease_seconds for job in status.jobs)
    if left <= 0:
        return _("The next sweep of another worker puts its runs back into the queue. Nothing is lost.")
    then = ngettext(
        "Its run goes back to the queue in %(time)s and starts again elsewhere. Nothing is lost.",
        "Its runs go back to the queue in %(time)s and start again elsewhere. Nothing is lost.",
        len(status.jobs),
    )
    return then % {"time": formatting.short_duration(left)}


def _worker_rows(workers: WorkerStatuses) -> Iterator[WorkerRow]:
    for status in workers.shown:
        heartbeat_age = formatting.short_duration(status.silent_seconds)
        for job in status.jobs:
            yield WorkerRow(status, job, heartbeat_age, formatting.short_duration(job.seconds))
        if not status.jobs:
            yield WorkerRow(status, None, heartbeat_age, "")


def _time_to_result(day: RecentJobs) -> dict[str, str] | None:
    if day.total is None:
        return None
    return {"median": formatting.short_duration(day.total.median), "most": formatting.short_duration(day.total.most)}


def _chart(day: RecentJobs) -> tuple[list[Column], list[GridLine]]:
    highest = max((hour.succeeded + hour.failed for hour in day.hours), default=0)
    step = _round_step(highest)
    unit = (_BASE - _TOP) / max(highest, step)
    first = len(day.hours) - services.RECENT_HOURS
    columns = []
    for number, hour in enumerate(day.hours):
        x = _LEFT + 2 + _STEP * (number - first)
        done, bad = hour.succeeded * unit, hour.failed * unit
        gap = 1.0 if done and bad else 0.0
        has_label = (len(day.hours) - 1 - number) % _LABEL_HOURS == 0
        columns.append(
            Column(
                x=f"{x:.1f}",
                done_y=f"{_BASE - done:.1f}",
                done=f"{done:.1f}",
                bad_y=f"{_BASE - done - bad:.1f}",
                bad=f"{max(0.0, bad - gap):.1f}",
                label_x=f"{x + _BAR / 2:.1f}",
                label=f"{timezone.localtime(hour.begins):%H:%M}" if has_label else "",
            )
        )
    rows = range(0, max(highest, step) + 1, step)
    return columns, [GridLine(f"{_BASE - n * unit:.1f}", f"{_BASE - n * unit + 4:.1f}", n) for n in rows]


def _round_step(highest: int) -> int:
    """Return the distance of the grid lines: 1, 2 or 5 times a power of ten, for at most four lines."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if highest <= factor * size * 3:
                return factor * size
        size *= 10


def _stages(day: RecentJobs) -> list[StageRow]:
    names = {"waiting": _("Waiting"), **{stage.name: str(stage.title) for stage in KINDS[JobKind.RUN].stages}}
    longest = max((spread.most for spread in day.stages.values()), default=0.0) or 1.0
    return [
        StageRow(
            name=names.get(stage, stage),
            median=formatting.duration(spread.median),
            most=formatting.duration(spread.most),
            median_bar=f"{max(1.5, spread.median / longest * _BARS):.1f}",
            most_bar=f"{spread.most / longest * _BARS:.1f}",
        )
        for stage, spread in day.stages.items()
    ]


def _room(room: services.StorageStatus) -> dict[str, Any]:
    """Return the sizes as text, and the ends of the segments of the bar in thousandths."""
    sizes: dict[str, Any] = {
        "originals": formatting.filesize(room.originals),
        "results": formatting.filesize(room.results) if room.results else "",
        "growth": formatting.filesize(round(room.growth)) if room.growth else "",
        "lasts": "" if room.days_left is None else formatting.approximate_days(room.days_left),
        "bar": None,
    }
    if room.free is None or not room.total:
        return sizes
    used = room.total - room.free
    originals = min(room.originals, used)
    results = min(room.results, used - originals)
    rest = used - originals - results
    ends = [round(part / room.total * 1000, 1) for part in (originals, originals + results, used)]
    return sizes | {
        "free": formatting.filesize(room.free),
        "total": formatting.filesize(room.total),
        "rest": formatting.filesize(rest),
        "warning": formatting.filesize(settings.GMM_DISK_WARNING),
        "bar": ends,
    }
