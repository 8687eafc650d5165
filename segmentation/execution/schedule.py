"""When waiting jobs begin and end, if none comes and all take what is expected: the rules of `turn` and `share`, simulated.

Knows no rows; `forecast` reads them. Times are seconds from now.
"""

import heapq
import itertools
import uuid
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from segmentation.execution.share import PATIENCE_SECONDS, share
from segmentation.models.jobs import SHORT_SECONDS, Kind

MOST_STARTS = 500
"""Jobs that are simulated one by one; what is behind them is estimated from the sum of the costs."""

Key = tuple[datetime, uuid.UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """What a worker can do at the same time."""

    worker: uuid.UUID
    long: int
    short: int  # more, for short jobs only
    speed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A job that waits."""

    id: uuid.UUID
    owner: int
    kind: str = Kind.RUN
    queued: datetime
    waited: float  # seconds
    cost: float  # core-seconds at speed 1

    @property
    def key(self) -> Key:
        return self.queued, self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A job that runs."""

    job: Waiting  # as it would wait if it were handed back
    worker: uuid.UUID | None
    is_long: bool
    claimed: datetime
    left: float  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What becomes of a waiting job."""

    position: int  # how many of its kind begin before it
    begins: float
    ends: float


@dataclass(slots=True, eq=False)
class _Queue:
    """The waiting jobs of one owner, oldest first, split by what is short at each speed."""

    short: dict[float, deque[Waiting]] = field(default_factory=dict)
    long: dict[float, deque[Waiting]] = field(default_factory=dict)

    @classmethod
    def of(cls, jobs: Iterable[Waiting], speeds: Iterable[float]) -> "_Queue":
        ordered, queue = sorted(jobs, key=lambda job: job.key), cls()
        for speed in speeds:
            limit = SHORT_SECONDS * speed
            queue.short[speed] = deque(job for job in ordered if job.cost < limit)
            queue.long[speed] = deque(job for job in ordered if job.cost >= limit)
        return queue


@dataclass(slots=True, eq=False)
class _Place:
    """A worker, and how many jobs of both kinds it does."""

    slots: Slots
    n_long: int = 0
    n_all: int = 0


class Schedule:
    """The course of events from a moment on.

    Parameters
    ----------
    workers : iterable of Slots
        Those that begin jobs.
    running : iterable of Running
    waiting : iterable of Waiting
    served : mapping of int to datetime
        When a job of an owner was last claimed.
    """

    def __init__(
        self,
        *,
        workers: Iterable[Slots],
        running: Iterable[Running],
        waiting: Iterable[Waiting],
        served: dict[int, datetime],
    ) -> None:
        self._places = {one.worker: _Place(one) for one in sorted(workers, key=lambda one: (-one.speed, one.worker))}
        self._speeds = {place.slots.speed for place in self._places.values()}
        self._waiting = {job.id: job for job in waiting}
        self._n_waiting = Counter(job.owner for job in self._waiting.values())  # without owners of whom nothing waits
        self._queues = {owner: _Queue.of(jobs, self._speeds) for owner, jobs in _by_owner(self._waiting.values())}
        self._n_slots = sum(place.slots.long for place in self._places.values())
        self._served: dict[int, tuple[Any, ...]] = {owner: (0, moment) for owner, moment in served.items()}
        self._n_running, self._n_long = Counter[int](), Counter[int]()
        self._running: dict[uuid.UUID, tuple[Running, tuple[Any, ...]]] = {}  # with the order of the claims
        self._ends: list[tuple[float, int, uuid.UUID]] = []
        self._order = itertools.count()
        self._n_begun = Counter[str]()  # of each kind
        self._now = 0.0
        for one in running:
            self._run(one, (0, one.claimed), one.left)

    def expected(self) -> dict[uuid.UUID, Expected]:
        """Return what becomes of each waiting job that can begin on some worker."""
        found: dict[uuid.UUID, Expected] = {}
        while True:
            self._fill(found)
            if not self._waiting or len(found) >= MOST_STARTS or not self._advance():
                break
        return found | self._beyond()

    def _position(self, job: Waiting) -> int:
        """Count a job that begins; returns how many of its kind were begun before it."""
        self._n_begun[job.kind] += 1
        return self._n_begun[job.kind] - 1

    # --- beginning jobs ---------------------------------------------------------------------------------------------

    def _fill(self, found: dict[uuid.UUID, Expected]) -> None:
        """Begin what can be begun now."""
        for place in self._places.values():
            while (job := self._next(place)) is not None:
                ends = self._begin(job, place)
                position = found[job.id].position if job.id in found else self._position(job)
                found[job.id] = Expected(position=position, begins=self._now, ends=ends)

    def _next(self, place: _Place) -> Waiting | None:
        """Return the job whose turn it is on a worker, as `turn.next_job` does."""
        if place.n_all >= place.slots.long + place.slots.short or not self._waiting:
            return None
        speed, long_too = place.slots.speed, place.n_long < place.slots.long
        others_wait = len(self._n_waiting) > 1
        best: tuple[tuple[Any, ...], Waiting] | None = None
        for owner, queue in self._queues.items():
            is_limited = others_wait and self._n_long[owner] >= share(self._n_slots)
            heads = [self._head(queue.short[speed])]
            if long_too and not is_limited:
                heads.append(self._head(queue.long[speed]))
            job = min((head for head in heads if head), key=lambda head: head.key, default=None)
            if job is not None:
                rank = (self._n_running[owner], self._served.get(owner, (-1,)), *job.key)
                best = min(best or (rank, job), (rank, job), key=lambda one: one[0])
        return best[1] if best else None

    def _head(self, jobs: deque[Waiting]) -> Waiting | None:
        while jobs and jobs[0].id not in self._waiting:
            jobs.popleft()
        return jobs[0] if jobs else None

    def _begin(self, job: Waiting, place: _Place) -> float:
        del self._waiting[job.id]
        self._n_waiting[job.owner] -= 1
        if not self._n_waiting[job.owner]:
            del self._n_waiting[job.owner]
        claim = (1, next(self._order))
        self._served[job.owner] = claim
        is_long = job.cost >= SHORT_SECONDS * place.slots.speed
        seconds = job.cost / place.slots.speed
        one = Running(job=job, worker=place.slots.worker, is_long=is_long, claimed=job.queued, left=seconds)
        self._run(one, claim, self._now + seconds)
        return self._now + seconds

    def _run(self, one: Running, claim: tuple[Any, ...], ends: float) -> None:
        self._running[one.job.id] = one, claim
        heapq.heappush(self._ends, (ends, next(self._order), one.job.id))
        self._count(one, 1)

    def _count(self, one: Running, number: int) -> None:
        self._n_running[one.job.owner] += number
        self._n_long[one.job.owner] += number * one.is_long
        place = self._places.get(one.worker) if one.worker else None
        if place is not None:
            place.n_all += number
            place.n_long += number * one.is_long

    # --- what happens next ------------------------------------------------------------------------------------------

    def _advance(self) -> bool:
        """Go on to the next end of a job, or to where one is handed back; returns False when nothing will happen."""
        while self._ends and self._ends[0][2] not in self._running:
            heapq.heappop(self._ends)
        ends = self._ends[0][0] if self._ends else None
        handed_back = self._handed_back()
        if handed_back and (ends is None or handed_back[0] < ends):
            self._now = handed_back[0]
            self._hand_back(handed_back[1])
        elif ends is not None:
            _, _, job_id = heapq.heappop(self._ends)
            self._now = max(self._now, ends)
            self._count(self._running.pop(job_id)[0], -1)
        else:
            return False
        return True

    def _handed_back(self) -> tuple[float, uuid.UUID] | None:
        """Return when which running job is handed back, as `share.make_room` does."""
        holder = next((owner for owner, n in self._n_long.items() if n > share(self._n_slots)), None)
        if holder is None or self._n_slots < 2:
            return None
        long = SHORT_SECONDS * max(self._speeds)
        waited = [job.waited for job in self._waiting.values() if job.owner != holder and job.cost >= long]
        if not waited:
            return None
        own = [
            (claim, job_id) for job_id, (one, claim) in self._running.items() if one.is_long and one.job.owner == holder
        ]
        return max(self._now, PATIENCE_SECONDS - max(waited)), max(own)[1]

    def _hand_back(self, job_id: uuid.UUID) -> None:
        one, _ = self._running.pop(job_id)
        self._ends = [end for end in self._ends if end[2] != job_id]
        heapq.heapify(self._ends)
        self._count(one, -1)
        self._waiting[job_id] = one.job
        self._n_waiting[one.job.owner] += 1
        own = [job for job in self._waiting.values() if job.owner == one.job.owner]
        self._queues[one.job.owner] = _Queue.of(own, self._speeds)

    def _beyond(self) -> dict[uuid.UUID, Expected]:
        """Estimate what was not simulated: one after the other, as fast as all slots together are."""
        power = sum(place.slots.long * place.slots.speed for place in self._places.values())
        found, begins = {}, self._now
        for job in sorted(self._waiting.values(), key=lambda job: job.key) if power else ():
            found[job.id] = Expected(position=self._position(job), begins=begins, ends=begins + job.cost)
            begins += job.cost / power
        return found


def _by_owner(jobs: Iterable[Waiting]) -> Iterable[tuple[int, list[Waiting]]]:
    ordered = sorted(jobs, key=lambda job: job.owner)
    return ((owner, list(own)) for owner, own in itertools.groupby(ordered, key=lambda job: job.owner))
