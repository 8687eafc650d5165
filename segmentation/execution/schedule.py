"""Simulate when waiting jobs start and end, by the rules of `next_job` and `fair_share`.

The simulation assumes that no job is added and that each takes its expected time. It uses no database; `forecast` reads the rows.
Times are in seconds from now.
"""

import heapq
import itertools
import uuid
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from segmentation.execution.fair_share import LONGEST_WAIT_SECONDS, largest_share
from segmentation.models.jobs import SHORT_SECONDS, JobKind

MAX_SIMULATED_STARTS = 500
"""The number of job starts that are simulated; the times of further jobs are estimated from the sum of the costs."""

Key = tuple[datetime, uuid.UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """The slots and the speed of one worker."""

    worker: uuid.UUID
    long: int
    short: int  # further ones, for short jobs only
    speed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A waiting job."""

    id: uuid.UUID
    owner: int
    kind: str = JobKind.RUN
    queued: datetime
    waited: float  # seconds
    cost: float  # core-seconds at speed 1

    @property
    def key(self) -> Key:
        return self.queued, self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A running job."""

    job: Waiting  # as it will wait if it is requeued
    worker: uuid.UUID | None
    is_long: bool
    claimed: datetime
    left: float  # seconds until its expected end


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedTimes:
    """The expected position, start and end of a waiting job."""

    position: int  # number of jobs of its kind that start before it
    begins: float
    ends: float


@dataclass(slots=True, eq=False)
class _Queue:
    """The waiting jobs of one owner, oldest first, split into short and long ones for each speed of a worker."""

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
class _WorkerLoad:
    """A worker, and the numbers of its long jobs and of all its jobs."""

    slots: Slots
    n_long: int = 0
    n_all: int = 0


class Simulation:
    """A simulation of the workers, starting from the present state.

    Parameters
    ----------
    workers : iterable of Slots
        The workers that accept jobs.
    running : iterable of Running
    waiting : iterable of Waiting
    served : mapping of int to datetime
        The time at which a job of each owner was last claimed.
    """

    def __init__(
        self,
        *,
        workers: Iterable[Slots],
        running: Iterable[Running],
        waiting: Iterable[Waiting],
        served: dict[int, datetime],
    ) -> None:
        self._loads = {
            one.worker: _WorkerLoad(one) for one in sorted(workers, key=lambda one: (-one.speed, one.worker))
        }
        self._speeds = {load.slots.speed for load in self._loads.values()}
        self._waiting = {job.id: job for job in waiting}
        self._n_waiting = Counter(job.owner for job in self._waiting.values())  # has no owner without waiting jobs
        self._queues = {owner: _Queue.of(jobs, self._speeds) for owner, jobs in _by_owner(self._waiting.values())}
        self._n_slots = sum(load.slots.long for load in self._loads.values())
        # Claims are ordered by (0, time) before the simulation and by (1, number) in it.
        self._served: dict[int, tuple[Any, ...]] = {owner: (0, moment) for owner, moment in served.items()}
        self._n_running, self._n_long = Counter[int](), Counter[int]()
        self._running: dict[uuid.UUID, tuple[Running, tuple[Any, ...]]] = {}  # each with the order of its claim
        self._ends: list[tuple[float, int, uuid.UUID]] = []
        self._order = itertools.count()
        self._n_started = Counter[str]()  # of each kind
        self._now = 0.0
        for one in running:
            self._run(one, (0, one.claimed), one.left)

    def expected(self) -> dict[uuid.UUID, ExpectedTimes]:
        """Return the expected times of each waiting job that can start on some worker."""
        found: dict[uuid.UUID, ExpectedTimes] = {}
        while True:
            self._fill(found)
            if not self._waiting or len(found) >= MAX_SIMULATED_STARTS or not self._advance():
                break
        return found | self._estimate_rest()

    def _position(self, job: Waiting) -> int:
        """Count a job that starts, and return the number of jobs of its kind that started before it."""
        self._n_started[job.kind] += 1
        return self._n_started[job.kind] - 1

    # --- starting jobs ---------------------------------------------------------------------------------------------

    def _fill(self, found: dict[uuid.UUID, ExpectedTimes]) -> None:
        """Start all jobs that can start now."""
        for load in self._loads.values():
            while (job := self._next(load)) is not None:
                ends = self._start(job, load)
                position = found[job.id].position if job.id in found else self._position(job)
                found[job.id] = ExpectedTimes(position=position, begins=self._now, ends=ends)

    def _next(self, load: _WorkerLoad) -> Waiting | None:
        """Return the next job for a worker, by the same rules as `next_job.next_job`."""
        if load.n_all >= load.slots.long + load.slots.short or not self._waiting:
            return None
        speed, long_too = load.slots.speed, load.n_long < load.slots.long
        others_wait = len(self._n_waiting) > 1
        best: tuple[tuple[Any, ...], Waiting] | None = None
        for owner, queue in self._queues.items():
            is_limited = others_wait and self._n_long[owner] >= largest_share(self._n_slots)
            heads = [self._head(queue.short[speed])]
            if long_too and not is_limited:
                heads.append(self._head(queue.long[speed]))
            job = min((head for head in heads if head), key=lambda head: head.key, default=None)
            if job is not None:
                rank = (self._n_running[owner], self._served.get(owner, (-1,)), *job.key)
                best = min(best or (rank, job), (rank, job), key=lambda one: one[0])
        return best[1] if best else None

    def _head(self, jobs: deque[Waiting]) -> Waiting | None:
        """Return the first job that still waits, and remove the others before it."""
        while jobs and jobs[0].id not in self._waiting:
            jobs.popleft()
        return jobs[0] if jobs else None

    def _start(self, job: Waiting, load: _WorkerLoad) -> float:
        """Start a job on a worker, and return when it ends."""
        del self._waiting[job.id]
        self._n_waiting[job.owner] -= 1
        if not self._n_waiting[job.owner]:
            del self._n_waiting[job.owner]
        claim = (1, next(self._order))
        self._served[job.owner] = claim
        is_long = job.cost >= SHORT_SECONDS * load.slots.speed
        seconds = job.cost / load.slots.speed
        one = Running(job=job, worker=load.slots.worker, is_long=is_long, claimed=job.queued, left=seconds)
        self._run(one, claim, self._now + seconds)
        return self._now + seconds

    def _run(self, one: Running, claim: tuple[Any, ...], ends: float) -> None:
        """Add a running job with the order of its claim and the time of its end."""
        self._running[one.job.id] = one, claim
        heapq.heappush(self._ends, (ends, next(self._order), one.job.id))
        self._count(one, 1)

    def _count(self, one: Running, number: int) -> None:
        """Add `number` (1 or -1) to the counts of running jobs of the owner and the worker."""
        self._n_running[one.job.owner] += number
        self._n_long[one.job.owner] += number * one.is_long
        load = self._loads.get(one.worker) if one.worker else None
        if load is not None:
            load.n_all += number
            load.n_long += number * one.is_long

    # --- the next event ------------------------------------------------------------------------------------------

    def _advance(self) -> bool:
        """Move to the next event: a job ends, or is requeued. Returns False when there is none."""
        while self._ends and self._ends[0][2] not in self._running:
            heapq.heappop(self._ends)
        ends = self._ends[0][0] if self._ends else None
        requeued = self._next_requeue()
        if requeued and (ends is None or requeued[0] < ends):
            self._now = requeued[0]
            self._requeue(requeued[1])
        elif ends is not None:
            _, _, job_id = heapq.heappop(self._ends)
            self._now = max(self._now, ends)
            self._count(self._running.pop(job_id)[0], -1)
        else:
            return False
        return True

    def _next_requeue(self) -> tuple[float, uuid.UUID] | None:
        """Return the time at which a running job is requeued by `fair_share.requeue_for_others`, and its id; None for never."""
        limited_owner = next((owner for owner, n in self._n_long.items() if n > largest_share(self._n_slots)), None)
        if limited_owner is None or self._n_slots < 2:
            return None
        long = SHORT_SECONDS * max(self._speeds)
        waited = [job.waited for job in self._waiting.values() if job.owner != limited_owner and job.cost >= long]
        if not waited:
            return None
        own = [
            (claim, job_id)
            for job_id, (one, claim) in self._running.items()
            if one.is_long and one.job.owner == limited_owner
        ]
        return max(self._now, LONGEST_WAIT_SECONDS - max(waited)), max(own)[1]

    def _requeue(self, job_id: uuid.UUID) -> None:
        """Move a running job back to the waiting ones."""
        one, _ = self._running.pop(job_id)
        self._ends = [end for end in self._ends if end[2] != job_id]
        heapq.heapify(self._ends)
        self._count(one, -1)
        self._waiting[job_id] = one.job
        self._n_waiting[one.job.owner] += 1
        own = [job for job in self._waiting.values() if job.owner == one.job.owner]
        self._queues[one.job.owner] = _Queue.of(own, self._speeds)

    def _estimate_rest(self) -> dict[uuid.UUID, ExpectedTimes]:
        """Estimate the times of the jobs that were not simulated: one after the other, at the speed of all slots together."""
        power = sum(load.slots.long * load.slots.speed for load in self._loads.values())
        found, begins = {}, self._now
        for job in sorted(self._waiting.values(), key=lambda job: job.key) if power else ():
            found[job.id] = ExpectedTimes(position=self._position(job), begins=begins, ends=begins + job.cost)
            begins += job.cost / power
        return found


def _by_owner(jobs: Iterable[Waiting]) -> Iterable[tuple[int, list[Waiting]]]:
    """Group jobs by their owner."""
    ordered = sorted(jobs, key=lambda job: job.owner)
    return ((owner, list(own)) for owner, own in itertools.groupby(ordered, key=lambda job: job.owner))
