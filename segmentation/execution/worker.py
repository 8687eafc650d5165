"""The main loop of a worker: claim jobs, supervise running ones, sweep, stop. It has one process and one thread."""

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
from segmentation.execution.periodic import PeriodicTaskRunner
from segmentation.execution.supervisor import INTERNAL_ERROR, Supervisor
from segmentation.execution.sweep import sweep
from segmentation.models import Job

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.1
SWEEP_SECONDS = 10.0
_SWEEPS_PER_LEASE = 3  # the worker also writes its heartbeat at each sweep
_PAUSE_SECONDS = 1.0  # while the database does not answer
_DELETION_SECONDS = 0.8  # for deleting files at the end; supervisor kills the process 1 s after GMM_STOP_SECONDS


OnReady = Callable[[int, int], None]
"""A function that is called once signals are handled, with the numbers of slots for long jobs and of further ones for short jobs."""


def _ignore(_slots: int, _short_slots: int) -> None:
    """Do nothing."""


def work(*, on_ready: OnReady = _ignore) -> None:
    """Run jobs until SIGTERM or SIGINT. Jobs that still run `GMM_STOP_SECONDS` later are requeued."""
    heartbeat = Heartbeat()
    loop = _Loop(heartbeat, periodic=PeriodicTaskRunner())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: loop.stop())
    with heartbeat.registered():
        loop.serve(on_ready=on_ready)


def serve_until_empty(*, seconds: float = 60.0) -> bool:
    """Run jobs until none waits, and return whether some were left.

    No job is started after `seconds`, unless a long job still runs, during which the other slots would be unused; nor after
    SIGTERM, which is handled as in `work`. A process that was forked from a worker uses the row and the slots of that worker.
    Any other process registers a worker with one slot for long jobs and one for short ones.
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
    """The main loop, with the attempts that it supervises."""

    def __init__(self, heartbeat: Heartbeat, *, periodic: PeriodicTaskRunner | None = None) -> None:
        self.is_idle = False  # no job runs, and none waited at the last poll
        self._heartbeat = heartbeat
        self._attempts: list[Supervisor] = []
        self._deletions = FileDeletionQueue()
        self._periodic = periodic
        self._next_poll = self._next_sweep = 0.0
        self._stopping_since: float | None = None
        self._has_announced_stop = False

    @property
    def leaves_jobs_behind(self) -> bool:
        """Whether a job waits that this worker could do; also True when the database does not answer."""
        try:
            return self._heartbeat.next_job() is not None
        except Error:
            return True

    @property
    def n_long(self) -> int:
        """The number of long jobs that run."""
        return sum(attempt.is_long for attempt in self._attempts)

    def stop(self) -> None:
        """Start no more jobs. It is called by a signal handler, at any moment."""
        if self._stopping_since is None:  # a second signal does not extend the time
            self._stopping_since = time.monotonic()

    def serve(self, *, until: Callable[[], bool] = lambda: False, on_ready: OnReady = _ignore) -> None:
        """Run the loop until `stop` was called, or until `until` returns True and no job runs."""
        with bound_contextvars(worker_id=str(self._heartbeat.id)):
            self._serve(until, on_ready)

    def _serve(self, until: Callable[[], bool], on_ready: OnReady) -> None:
        on_ready(self._heartbeat.slots, self._heartbeat.short_slots)
        while True:
            self._announce_stop()
            # Before the sweep: after the database was down, heartbeats extend the leases of this worker first.
            self._tick_attempts()
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
        """Record in the row that the worker stops. The signal handler cannot do it, because it may interrupt a query."""
        if self._stopping_since is None or self._has_announced_stop:
            return
        self._has_announced_stop = True
        try:
            self._heartbeat.mark_stopping()
        except Error as error:
            self._pause(error)

    def _is_over(self, *, is_enough: bool) -> bool:
        if self._stopping_since is None:
            return is_enough and not self._attempts
        return not self._attempts or time.monotonic() > self._stopping_since + settings.GMM_STOP_SECONDS

    def _wait(self) -> None:
        """Wait until a child sends something, or until the next poll."""
        wait([attempt.connection for attempt in self._attempts if attempt.connection], timeout=POLL_SECONDS)

    # --- recurring steps ----------------------------------------------------------------------------------------------

    def _sweep_if_due(self) -> None:
        if self._stopping_since is not None or time.monotonic() < self._next_sweep:
            return
        self._next_sweep = time.monotonic() + min(SWEEP_SECONDS, settings.GMM_LEASE_SECONDS / _SWEEPS_PER_LEASE)
        try:
            self._heartbeat.beat()
            sweep(self._deletions)
        except Error as error:
            self._pause(error)

    def _tick_periodic(self) -> None:
        if self._periodic is None or self._stopping_since is not None:
            return
        try:
            self._periodic.tick()
        except Error as error:
            self._pause(error)

    def _tick_attempts(self) -> None:
        for attempt in self._attempts:
            attempt.tick()
        self._update_speed()
        still = [attempt for attempt in self._attempts if not attempt.ended]
        if len(still) < len(self._attempts):
            self._next_poll = 0.0
        self._attempts = still

    def _free_short_slot(self) -> None:
        """Free the slot for short jobs that is held by a job which turned out to be long.

        The job moves to a slot for long jobs. If none is free and a short job waits, the job is requeued.
        """
        overdue = [attempt for attempt in self._attempts if attempt.is_overdue]
        if not overdue or self._stopping_since is not None or time.monotonic() < self._next_poll:
            return
        has_slot = self.n_long < self._heartbeat.slots
        newest = overdue[-1]  # it loses the least work
        try:
            if not (has_slot or self._heartbeat.next_job(long_too=False)):
                return
            if not newest.raise_expected_seconds(speed=self._heartbeat.speed):
                return  # the lease is lost, and the next heartbeat ends the attempt
            if has_slot:
                newest.treat_as_long()
            else:
                newest.requeue()
        except Error as error:
            self._pause(error)

    def _update_speed(self) -> None:
        """Update the speed of the worker from the jobs that have succeeded."""
        for attempt in self._attempts:
            if attempt.ended and attempt.compute_seconds is not None:
                try:
                    self._heartbeat.update_speed(expected=attempt.expected_seconds, took=attempt.compute_seconds)
                except Error as error:
                    self._pause(error)

    def _fill_slots(self, *, is_enough: bool) -> None:
        if self._stopping_since is not None or is_enough:
            return
        try:
            while time.monotonic() >= self._next_poll:
                found = self._claim_next()
                self.is_idle = not found and not self._attempts
                if not found:
                    self._next_poll = time.monotonic() + POLL_SECONDS
        except Error as error:
            self._pause(error)

    def _pause(self, error: Error) -> None:
        logger.warning("The database does not answer. %s", error)
        close_old_connections()
        self._next_poll = time.monotonic() + _PAUSE_SECONDS
        self._next_sweep = max(self._next_sweep, self._next_poll)

    # --- the next job ---------------------------------------------------------------------------------------------

    def _claim_next(self) -> bool:
        """Claim and start the next job; returns False when there is none, or no slot for it.

        Slots for long jobs are also used for short ones. The number of running jobs never exceeds the number of all slots.
        """
        if len(self._attempts) >= self._heartbeat.slots + self._heartbeat.short_slots:
            return False
        has_slot = self.n_long < self._heartbeat.slots
        while (job_id := self._heartbeat.next_job(long_too=has_slot)) is not None:
            lease = Job.objects.claim(job_id, worker_id=self._heartbeat.id)
            if lease is not None:
                self._start(job_id, lease)
                return True
        return False

    def _start(self, job_id: uuid.UUID, lease: uuid.UUID) -> None:
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
            logger.exception("%s: the machine has no resources for another process.", job)
            Job.objects.requeue(lease, counted=False)  # the attempt does not count
            self._next_poll = time.monotonic() + _PAUSE_SECONDS
        except Exception:  # a bug must not end the worker, which has other jobs
            logger.exception("%s cannot begin.", job)
            Job.objects.fail(lease, code="internal_error", detail=INTERNAL_ERROR)

    # --- stopping --------------------------------------------------------------------------------------------------

    def _leave(self) -> None:
        """Requeue the running jobs and delete their files. What fails is left to the sweeps of other workers."""
        try:
            for attempt in self._attempts:
                attempt.requeue()
            self._finish_attempts()
            self._deletions.finish(within=_DELETION_SECONDS)
        except Error as error:
            logger.warning("The database does not answer. %s", error)
        finally:
            connections.close_all()

    def _finish_attempts(self) -> None:
        """Wait for the killed children to end, but not for long: one may be stuck in the kernel."""
        deadline = time.monotonic() + _DELETION_SECONDS
        while self._attempts and time.monotonic() < deadline:
            self._tick_attempts()
            self._wait()
