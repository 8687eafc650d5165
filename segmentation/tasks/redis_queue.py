"""The backend for many machines: wake-ups travel through Redis to RQ's workers, which do the work of `execution`.

RQ's worker receives wake-ups and forks a work-horse for each. The horse is the parent of the computing children, one for
each slot, and does jobs until none waits: one wake-up is enough for any number of jobs, and a hundred do no harm. The worker
meanwhile writes its heartbeat, and sweeps. A worker that has nothing to do but finds jobs waiting has missed their wake-up
(Redis was away, a horse was killed, somebody has switched backends) and enqueues one itself.
"""

import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import django_rq
import redis
from django.conf import settings
from django.core.checks import CheckMessage
from django.db import Error, close_old_connections, connections
from django_tasks.backends.base import BaseTaskBackend
from django_tasks_rq import Job, RQBackend
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.executions import Execution
from rq.job import Job as AnyJob
from rq.worker import WorkerStatus

from segmentation import execution
from segmentation.engine.sandbox import end_with_parent

logger = logging.getLogger(__name__)

_BEAT_SECONDS = 5
_SWEEP_SECONDS = 10.0
_BEATS_PER_LEASE = 3
_TIDY_SECONDS = 1.0  # for deleting files of lost attempts at each sweep; what takes longer goes on at the next
_WAIT_SECONDS = 1.0  # while Redis does not answer at the start
_TO_DEQUEUE = 15  # RQ listens for its `worker_ttl` less this before it beats


class RedisBackend(RQBackend):
    """Wake-ups in Redis, for `manage.py worker` on any number of hosts."""

    def work(self, *, on_ready: execution.OnReady) -> None:
        """Be an RQ worker until SIGTERM or SIGINT; leave with exit code 1 when Redis goes away, to be started again."""
        _wait_for_redis(django_rq.get_connection())
        with execution.Heartbeat().registered() as heartbeat:
            worker = _JobWorker(heartbeat, self._wake, on_ready, queues=self._get_queues())
            worker.work(logging_level="WARNING")
        if not worker.was_told_to_stop:
            sys.exit(1)

    def check(self, **kwargs: Any) -> Iterable[CheckMessage]:
        """Leave out what RQBackend asks for: the pages of `django_rq` are not used."""
        yield from BaseTaskBackend.check(self, **kwargs)

    @staticmethod
    def _wake() -> None:
        from segmentation.tasks.wake_up import run_next  # noqa: PLC0415 - the task asks for its backend when it is made

        run_next.enqueue()


class _JobWorker(Worker):
    """RQ's worker, with one thread, which beats, sweeps, and passes on what it is told."""

    log_result_lifespan = False
    max_connection_wait_time = 2.0  # a person waits for Redis to be heard again

    def __init__(
        self,
        heartbeat: execution.Heartbeat,
        wake: Callable[[], None],
        on_ready: execution.OnReady,
        *,
        queues: Sequence[Queue],
    ) -> None:
        self._heartbeat = heartbeat
        self._wake = wake
        self._on_ready = on_ready
        self._deletions = execution.FileDeletionQueue()
        self._periodic = execution.PeriodicTasks()
        self._next_sweep = 0.0
        beat_seconds = max(1, min(_BEAT_SECONDS, int(settings.GMM_LEASE_SECONDS / _BEATS_PER_LEASE)))
        super().__init__(
            list(queues),
            name=str(heartbeat.id),
            connection=queues[0].connection,
            job_class=Job,
            queue_class=type(queues[0]),
            default_result_ttl=0,  # the rows say what became of the jobs
            log_job_description=False,
            job_monitoring_interval=beat_seconds,
            worker_ttl=_TO_DEQUEUE + beat_seconds,
        )

    @property
    def was_told_to_stop(self) -> bool:
        return self._shutdown_requested_date is not None

    # --- to be one process with one thread, and a horse that can fork -----------------------------------------------

    def subscribe(self) -> None:
        """Do without RQ's commands from afar: they need a thread, and a process with threads must not fork."""

    def fork_work_horse(self, job: AnyJob, queue: Queue) -> None:
        """Fork without connections to databases, and without a moment in which SIGTERM would miss the horse."""
        connections.close_all()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        try:
            super().fork_work_horse(job, queue)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})

    def setup_work_horse_signals(self) -> None:
        """Called first in the horse. Until the loop heeds SIGTERM, it ends the horse, which has nothing to lose yet."""
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call] # RQ's types have gaps
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
        end_with_parent(self.pid or 0)

    # --- to stop in order -------------------------------------------------------------------------------------------

    def _install_signal_handlers(self) -> None:
        super()._install_signal_handlers()  # type: ignore[no-untyped-call] # as above
        self._on_ready(self._heartbeat.slots, self._heartbeat.short_slots)

    def handle_warm_shutdown_request(self) -> None:
        self._tell_horse_to_stop()

    def set_shutdown_requested_date(self) -> None:
        """Leave Redis alone while a signal is handled."""

    def teardown(self) -> None:
        """Leave; when Redis was lost in the middle of a wake-up, not before the horse has finished or handed back."""
        if self.horse_pid:
            self._tell_horse_to_stop()
            self.wait_for_horse()
        try:
            super().teardown()  # type: ignore[no-untyped-call] # as above
        except RedisError as error:
            logger.warning("Redis does not answer. %s", error)

    def _tell_horse_to_stop(self) -> None:
        if self.horse_pid:
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.kill(self.horse_pid, signal.SIGTERM)

    def handle_work_horse_killed(self, job: AnyJob, retpid: int, ret_val: int, rusage: Any) -> None:
        """Enqueue a wake-up for what the horse has left; its jobs come back when their leases have run out."""
        super().handle_work_horse_killed(job, retpid, ret_val, rusage)  # type: ignore[no-untyped-call] # as above
        self._wake()

    # --- to be alive ------------------------------------------------------------------------------------------------

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        if not self.is_horse:
            self._do_upkeep()
        super().heartbeat(timeout, pipeline)

    def maintain_heartbeats(self, job: AnyJob, execution: Execution) -> None:
        """Let the horse finish its runs while Redis is away: they need the rows only."""
        try:
            super().maintain_heartbeats(job, execution)
        except RedisError as error:
            logger.warning("Redis does not answer. %s", error)

    def _do_upkeep(self) -> None:
        if time.monotonic() < self._next_sweep:
            return
        self._next_sweep = time.monotonic() + min(_SWEEP_SECONDS, settings.GMM_LEASE_SECONDS / _BEATS_PER_LEASE)
        try:
            self._heartbeat.beat()
            self._heartbeat.recall_speed()
            execution.sweep(self._deletions)
            self._deletions.finish(within=_TIDY_SECONDS)
            self._periodic.tick()
            has_missed_wake_up = self.get_state() != WorkerStatus.BUSY and self._heartbeat.next_job() is not None
        except Error as error:
            logger.warning("The database does not answer. %s", error)
            close_old_connections()
            return
        if has_missed_wake_up:
            self._wake()


def _wait_for_redis(connection: "redis.Redis") -> None:
    """Wait until Redis answers, and say once that it does not."""
    said = False
    while True:
        try:
            connection.ping()
        except RedisError as error:
            if not said:
                logger.warning("Redis does not answer; the worker waits for it. %s", error)
            said = True
            time.sleep(_WAIT_SECONDS)
        else:
            return
