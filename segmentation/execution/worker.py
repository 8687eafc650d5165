"""The loop of a worker: claim jobs, follow those that run, sweep, stop in order. One process, one thread."""

import logging
import signal
import time
import uuid
from collections.abc import Callable
from multiprocessing.connection import wait

from django.conf import settings
from django.db import Error, close_old_connections, connections
from structlog.contextvars import bound_contextvars

from segmentation.engine.exceptions import SegmentationError
from segmentation.execution.file_deletions import FileDeletionQueue
from segmentation.execution.heartbeat import Heartbeat
from segmentation.execution.kinds import kind_of
from segmentation.execution.periodic import PeriodicTasks
from segmentation.execution.supervisor import INTERNAL_ERROR, Supervisor
from segmentation.execution.sweep import sweep
from segmentation.models import Job

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
SWEEP_SECONDS = 10.0
_SWEEPS_PER_LEASE = 3  # also how often the worker writes its heartbeat
_REST_SECONDS = 1.0  # while the database does not answer
_TIDY_SECONDS = 0.8  # for deleting files at the end; a supervisor kills us a second after the grace


OnReady = Callable[[int, int], None]
"""Called with the slots for long jobs, and the further ones for short jobs, once signals are handled."""


def _ignore(_slots: int, _short_slots: int) -> None:
    """Do nothing."""


def work(*, on_ready: OnReady = _ignore) -> None:
    """Do jobs until SIGTERM or SIGINT; what still runs after `GMM_STOP_SECONDS` is handed back."""
    heartbeat = Heartbeat()
    loop = _Loop(heartbeat, periodic=PeriodicTasks())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: loop.stop())
    with heartbeat.registered():
        loop.serve(on_ready=on_ready)


def serve_until_empty(*, seconds: float = 60.0) -> bool:
    """Do jobs until none waits; begin none after `seconds`, nor after SIGTERM, which is as in `work`.

    While a long job is under way, the other slots are used beyond that: nobody else would use them until it ends. In a
    process that was forked from a worker, this is done in its name and with its slots. Elsewhere there is one slot for long
    jobs and one for short ones. Returns whether some were left behind.
    """
    current = Heartbeat.current()
    if current is not None:
        return _serve_until_empty(current, seconds)
    with Heartbeat(slots=1, short_slots=1).registered() as heartbeat:
        return _serve_until_empty(heartbeat, seconds)


def _serve_until_empty(heartbeat: Heartbeat, seconds: float) -> bool:
    loop = _Loop(heartbeat)
    deadline = time.monotonic() + seconds
    before = signal.signal(signal.SIGTERM, lambda _number, _frame: loop.stop())
    try:
        loop.serve(until=lambda: loop.is_idle or (time.monotonic() > deadline and not loop.n_long))
        return loop.leaves_jobs_behind
    finally:
        signal.signal(signal.SIGTERM, before)


class _Loop:
    def __init__(self, heartbeat: Heartbeat, *, periodic: PeriodicTasks | None = None) -> None:
        self.is_idle = False  # nothing runs, and nothing waited at the last look
        self._heartbeat = heartbeat
        self._attempts: list[Supervisor] = []
        self._deletions = FileDeletionQueue()
        self._periodic = periodic
        self._next_look = self._next_sweep = 0.0
        self._stopping_since: float | None = None
        self._has_said_so = False

    @property
    def leaves_jobs_behind(self) -> bool:
        """Whether something waits that this release knows; when the database cannot say, somebody should look again."""
        try:
            return self._heartbeat.next_job() is not None
        except Error:
            return True

    @property
    def n_long(self) -> int:
        """How many long jobs are under way."""
        return sum(attempt.is_long for attempt in self._attempts)

    def stop(self) -> None:
        """Begin no more jobs; called by a signal at any moment."""
        if self._stopping_since is None:  # asking again gains no time
            self._stopping_since = time.monotonic()

    def serve(self, *, until: Callable[[], bool] = lambda: False, on_ready: OnReady = _ignore) -> None:
        """Serve until told to stop, or until `until` says that it is enough and nothing runs any more."""
        with bound_contextvars(worker_id=str(self._heartbeat.id)):
            self._serve(until, on_ready)

    def _serve(self, until: Callable[[], bool], on_ready: OnReady) -> None:
        on_ready(self._heartbeat.slots, self._heartbeat.short_slots)
        while True:
            self._announce_stop()
            self._tick_attempts()  # before the sweep: after a pause of the database, a heartbeat keeps what is ours
            self._sweep_if_due()
            self._free_short_slot()
            self._fill_slots(is_enough=until())
            self._deletions.tick()
            self._tick_periodic()
            if self._is_over(is_enough=until()):
                break
            self._wait()
        self._leave()

    def _announce_stop(self) -> None:
        """Not in the signal's handler: it may have come in the middle of a query."""
        if self._stopping_since is None or self._has_said_so:
            return
        self._has_said_so = True
        try:
            self._heartbeat.leaving()
        except Error as error:
            self._rest(error)

    def _is_over(self, *, is_enough: bool) -> bool:
        if self._stopping_since is None:
            return is_enough and not self._attempts
        return not self._attempts or time.monotonic() > self._stopping_since + settings.GMM_STOP_SECONDS

    def _wait(self) -> None:
        """Wait for what a child says, until the next look at most."""
        wait([attempt.connection for attempt in self._attempts if attempt.connection], timeout=LOOK_SECONDS)

    # --- what is due ----------------------------------------------------------------------------------------------

    def _sweep_if_due(self) -> None:
        if self._stopping_since is not None or time.monotonic() < self._next_sweep:
            return
        self._next_sweep = time.monotonic() + min(SWEEP_SECONDS, settings.GMM_LEASE_SECONDS / _SWEEPS_PER_LEASE)
        try:
            self._heartbeat.beat()
            sweep(self._deletions)
        except Error as error:
            self._rest(error)

    def _tick_periodic(self) -> None:
        if self._periodic is None or self._stopping_since is not None:
            return
        try:
            self._periodic.tick()
        except Error as error:
            self._rest(error)

    def _tick_attempts(self) -> None:
        for attempt in self._attempts:
            attempt.tick()
        self._learn()
        still = [attempt for attempt in self._attempts if not attempt.ended]
        if len(still) < len(self._attempts):
            self._next_look = 0.0
        self._attempts = still

    def _free_short_slot(self) -> None:
        """Take the slot from a job that was taken for short and is not.

        It moves to a slot for long jobs. When there is none, and a short job waits, it goes back to the queue and waits there
        for one.
        """
        overdue = [attempt for attempt in self._attempts if attempt.is_overdue]
        if not overdue or self._stopping_since is not None or time.monotonic() < self._next_look:
            return
        has_slot = self.n_long < self._heartbeat.slots
        newest = overdue[-1]  # the least is lost with it
        try:
            if not (has_slot or self._heartbeat.next_job(long_too=False)):
                return
            if not newest.expect_more(speed=self._heartbeat.speed):
                return  # the next heartbeat ends it
            if has_slot:
                newest.turn_long()
            else:
                newest.hand_back()
        except Error as error:
            self._rest(error)

    def _learn(self) -> None:
        """Let the speed follow how long finished jobs took."""
        for attempt in self._attempts:
            if attempt.ended and attempt.took is not None:
                try:
                    self._heartbeat.learn(expected=attempt.expected_seconds, took=attempt.took)
                except Error as error:
                    self._rest(error)

    def _fill_slots(self, *, is_enough: bool) -> None:
        if self._stopping_since is not None or is_enough:
            return
        try:
            while time.monotonic() >= self._next_look:
                found = self._claim_next()
                self.is_idle = not found and not self._attempts
                if not found:
                    self._next_look = time.monotonic() + LOOK_SECONDS
        except Error as error:
            self._rest(error)

    def _rest(self, error: Error) -> None:
        logger.warning("The database does not answer. %s", error)
        close_old_connections()
        self._next_look = time.monotonic() + _REST_SECONDS
        self._next_sweep = max(self._next_sweep, self._next_look)

    # --- the next job ---------------------------------------------------------------------------------------------

    def _claim_next(self) -> bool:
        """Begin the job whose turn it is; returns False when none waits for which there is a slot here.

        A slot for long jobs also does short ones, and never more children run than there are slots of both kinds.
        """
        if len(self._attempts) >= self._heartbeat.slots + self._heartbeat.short_slots:
            return False
        has_slot = self.n_long < self._heartbeat.slots
        while (job_id := self._heartbeat.next_job(long_too=has_slot)) is not None:
            lease = Job.objects.claim(job_id, worker_id=self._heartbeat.id)
            if lease is not None:
                self._begin(job_id, lease)
                return True
        return False

    def _begin(self, job_id: uuid.UUID, lease: uuid.UUID) -> None:
        job = Job.objects.filter(pk=job_id, lease=lease).first()
        if job is None:
            return  # cancelled or deleted meanwhile
        try:
            assignment = kind_of(job).assign(job, speed=self._heartbeat.speed)
            if assignment is not None:
                self._attempts.append(Supervisor(assignment, self._deletions))
        except SegmentationError as error:
            Job.objects.fail(lease, code=error.code, detail=str(error))
        except OSError:
            logger.exception("%s: the machine has no room for another process.", job)
            Job.objects.hand_back(lease, counted=False)  # says nothing of the job
            self._next_look = time.monotonic() + _REST_SECONDS
        except Exception:
            logger.exception("%s cannot begin.", job)
            Job.objects.fail(lease, code="internal_error", detail=INTERNAL_ERROR)

    # --- the end --------------------------------------------------------------------------------------------------

    def _leave(self) -> None:
        """Hand back what runs, and delete what it has stored. Whatever fails is left to others' sweeps."""
        try:
            for attempt in self._attempts:
                attempt.hand_back()
            self._finish_attempts()
            self._deletions.finish(within=_TIDY_SECONDS)
        except Error as error:
            logger.warning("The database does not answer. %s", error)
        finally:
            connections.close_all()

    def _finish_attempts(self) -> None:
        """Killed children end at once; do not wait for one that hangs in the kernel."""
        deadline = time.monotonic() + _TIDY_SECONDS
        while self._attempts and time.monotonic() < deadline:
            self._tick_attempts()
            self._wait()
