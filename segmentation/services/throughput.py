"""How the jobs of one kind went within the last day: how many failed and why, how long they waited, how long each stage took."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from django.utils import timezone

from segmentation.engine.progress import Stage
from segmentation.models import Job
from segmentation.models.database_time import seconds_from_now
from segmentation.models.jobs import Kind, State

HOURS = 24
MOST = 1_000  # runs that are looked at: the newest ones, so that a busy day costs no more than a quiet one
_SPREADS = ("waiting", *Stage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Seconds that something took: half of the times, and 19 of 20, were at most this."""

    count: int
    median: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread | None":
        """Return None when there are no values."""
        ordered = sorted(values)
        if not ordered:
            return None
        return cls(count=len(ordered), median=_quantile(ordered, 0.5), most=_quantile(ordered, 0.95))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """How many runs ended in one hour of the day, as the site's clock has it."""

    begins: datetime
    succeeded: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent:
    """The runs that were created within the last day, or the newest of them."""

    is_cut: bool  # there were more than are looked at
    succeeded: int
    failed: int
    failures: tuple[tuple[str, int], ...]  # code and number, the most frequent first
    hours: tuple[Hour, ...]  # the oldest first; hours before the oldest run that is looked at are left out
    whole: Spread | None  # from the click to the result
    stages: dict[str, Spread]  # by the value of the stage, and "waiting" before them

    @property
    def failure_rate(self) -> float | None:
        """The share of failed among ended runs, 0 to 1; cancelled ones count nowhere."""
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
    def begun_and_ended(self) -> bool:
        return self.state == State.SUCCEEDED and self.started is not None and self.finished is not None


def recent(*, kind: str = Kind.RUN) -> Recent:
    """Return how the jobs of a kind went within the last day, at most `MOST` of them."""
    found = Job.objects.of_kinds([kind]).filter(created__gt=seconds_from_now(-HOURS * 3600)).order_by("-created", "-id")
    columns = ("created", "queued", "started", "finished", "state", "error_code", "run__result__seconds")
    rows = [_Row(*values) for values in found.values_list(*columns)[: MOST + 1]]
    is_cut, rows = len(rows) > MOST, rows[:MOST]
    states = Counter(row.state for row in rows)
    return Recent(
        is_cut=is_cut,
        succeeded=states[State.SUCCEEDED],
        failed=states[State.FAILED],
        failures=tuple(Counter(row.code for row in rows if row.state == State.FAILED).most_common()),
        hours=_hours(rows, since=rows[-1].created if is_cut else None),
        whole=Spread.of(_between(row.queued, row.finished) for row in rows if row.begun_and_ended),
        stages=_stages(rows),
    )


def _stages(rows: list[_Row]) -> dict[str, Spread]:
    done = [row for row in rows if row.begun_and_ended]
    taken: dict[str, list[float]] = {name: [] for name in _SPREADS}
    for row in done:
        taken["waiting"].append(_between(row.queued, row.started))
        for stage, seconds in (row.seconds or {}).items():
            taken.setdefault(stage, []).append(seconds)
    spreads = {name: Spread.of(values) for name, values in taken.items()}
    return {name: spread for name, spread in spreads.items() if spread is not None}


def _hours(rows: list[_Row], *, since: datetime | None) -> tuple[Hour, ...]:
    ended = {State.SUCCEEDED: Counter[datetime](), State.FAILED: Counter[datetime]()}
    for row in rows:
        if row.finished is not None and row.state in ended:
            ended[State(row.state)][_hour(row.finished)] += 1
    now = _hour(timezone.now())
    begins = [now - timedelta(hours=back) for back in reversed(range(HOURS))]
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
    """Return the smallest value that at least this share of the values does not exceed."""
    return ordered[ceil(share * len(ordered)) - 1]
