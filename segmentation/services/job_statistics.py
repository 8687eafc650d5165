"""Statistics of the jobs of the last day: successes, failures by error code, waiting times, and durations of the stages."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from django.utils import timezone

from segmentation.engine.progress import Stage
from segmentation.models import Job
from segmentation.models.database_time import seconds_from_now
from segmentation.models.jobs import JobKind, State

RECENT_HOURS = 24
MAX_RECENT_JOBS = 1_000  # the newest ones; more are not read, which bounds the cost of the query
_SUMMARISED = ("waiting", *Stage)


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationSummary:
    """Summary of durations in seconds: their number, median and 95th percentile."""

    count: int
    median: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "DurationSummary | None":
        """Return the summary of some durations; None when there are none."""
        ordered = sorted(values)
        if not ordered:
            return None
        return cls(count=len(ordered), median=_quantile(ordered, 0.5), most=_quantile(ordered, 0.95))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """Numbers of the jobs that ended in one hour."""

    begins: datetime
    succeeded: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentJobs:
    """Statistics of the jobs of one kind that were created in the last 24 hours, or of the newest of them."""

    is_cut: bool  # whether there were more than `MAX_RECENT_JOBS`
    succeeded: int
    failed: int
    failures: tuple[tuple[str, int], ...]  # error code and number, the most frequent first
    hours: tuple[Hour, ...]  # the oldest first; without the hours before the oldest job that was read
    total: DurationSummary | None  # from queueing to the end
    stages: dict[str, DurationSummary]  # by name of the stage; "waiting" is the time in the queue

    @property
    def failure_rate(self) -> float | None:
        """The share of failed runs among those that succeeded or failed, 0 to 1; None when there are none."""
        ended = self.succeeded + self.failed
        return self.failed / ended if ended else None


@dataclass(frozen=True, slots=True)
class _Row:
    created: datetime
    queued: datetime
    started: datetime | None
    finished: datetime | None
    state: str
    code: str
    seconds: dict[str, float] | None

    @property
    def has_succeeded(self) -> bool:
        return self.state == State.SUCCEEDED and self.started is not None and self.finished is not None


def recent_jobs(*, kind: str = JobKind.RUN) -> RecentJobs:
    """Return statistics of the jobs of a kind that were created in the last 24 hours, at most `MAX_RECENT_JOBS` of them."""
    found = (
        Job.objects.of_kinds([kind])
        .filter(created__gt=seconds_from_now(-RECENT_HOURS * 3600))
        .order_by("-created", "-id")
    )
    columns = ("created", "queued", "started", "finished", "state", "error_code", "run__result__seconds")
    rows = [_Row(*values) for values in found.values_list(*columns)[: MAX_RECENT_JOBS + 1]]
    is_cut, rows = len(rows) > MAX_RECENT_JOBS, rows[:MAX_RECENT_JOBS]
    states = Counter(row.state for row in rows)
    return RecentJobs(
        is_cut=is_cut,
        succeeded=states[State.SUCCEEDED],
        failed=states[State.FAILED],
        failures=tuple(Counter(row.code for row in rows if row.state == State.FAILED).most_common()),
        hours=_hours(rows, since=rows[-1].created if is_cut else None),
        total=DurationSummary.of(_between(row.queued, row.finished) for row in rows if row.has_succeeded),
        stages=_stages(rows),
    )


def _stages(rows: list[_Row]) -> dict[str, DurationSummary]:
    done = [row for row in rows if row.has_succeeded]
    taken: dict[str, list[float]] = {name: [] for name in _SUMMARISED}
    for row in done:
        taken["waiting"].append(_between(row.queued, row.started))
        for stage, seconds in (row.seconds or {}).items():
            taken.setdefault(stage, []).append(seconds)
    summaries = {name: DurationSummary.of(values) for name, values in taken.items()}
    return {name: summary for name, summary in summaries.items() if summary is not None}


def _hours(rows: list[_Row], *, since: datetime | None) -> tuple[Hour, ...]:
    ended = {State.SUCCEEDED: Counter[datetime](), State.FAILED: Counter[datetime]()}
    for row in rows:
        if row.finished is not None and row.state in ended:
            ended[State(row.state)][_hour(row.finished)] += 1
    now = _hour(timezone.now())
    begins = [now - timedelta(hours=back) for back in reversed(range(RECENT_HOURS))]
    return tuple(
        Hour(begins=hour, succeeded=ended[State.SUCCEEDED][hour], failed=ended[State.FAILED][hour])
        for hour in begins
        if since is None or hour >= _hour(since)
    )


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _between(begin: datetime, end: datetime | None) -> float:
    return max(0.0, (end - begin).total_seconds()) if end else 0.0


def _quantile(ordered: list[float], share: float) -> float:
    """Return a quantile of sorted values: the smallest value with at least this share of the values at or below it."""
    return ordered[ceil(share * len(ordered)) - 1]
