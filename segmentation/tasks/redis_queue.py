"""The task backend for several machines: wake-ups are sent through Redis to RQ's workers.

RQ's worker forks a process for each task (RQ calls it the work-horse). The work-horse is the parent of the computing children and
runs jobs until none waits, so one wake-up is enough for any number of jobs. Meanwhile the worker writes its heartbeat and sweeps.
An idle worker that finds waiting jobs has missed their wake-up (Redis was down, a work-horse was killed, or the backend was
switched) and enqueues one itself.
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
_DELETION_SECONDS = 1.0  # at each sweep, for deleting files of lost attempts; the rest is done at the next one
_WAIT_SECONDS = 1.0  # between tries to reach Redis at the start
_TO_DEQUEUE = 15  # RQ waits for a task for its `worker_ttl` minus this, and then sends a heartbeat


class RedisBackend(RQBackend):
    """Sends wake-ups through Redis to any number of `manage.py worker` processes."""

    def work(self, *, on_ready: execution.OnReady) -> None:
        """Run an RQ worker until SIGTERM or SIGINT. When Redis goes away, exit with code 1, so that the process is restarted."""
        _wait_for_redis(django_rq.get_connection())
        with execution.Heartbeat().registered() as heartbeat:
            worker = _JobWorker(heartbeat, self._wake, on_ready, queues=self._get_queues())
            worker.work(logging_level="WARNING")
        if not worker.was_told_to_stop:
            sys.exit(1)

    def check(self, **kwargs: Any) -> Iterable[CheckMessage]:
        """Skip the checks of RQBackend, which require the views of `django_rq`; they are not used here."""
        yield from BaseTaskBackend.check(self, **kwargs)

    @staticmethod
    def _wake() -> None:
        from segmentation.tasks.wake_up import run_next  # noqa: PLC0415 - the task needs its backend when it is declared

        run_next.enqueue()


class _JobWorker(Worker):
    """RQ's worker with one thread, which also writes the heartbeat, sweeps, and forwards SIGTERM to the work-horse."""

    log_result_lifespan = False
    max_connection_wait_time = 2.0  # seconds between tries to reconnect to Redis

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
        self._periodic = execution.PeriodicTaskRunner()
        self._next_sweep = 0.0
        beat_seconds = max(1, min(_BEAT_SECONDS, int(settings.GMM_LEASE_SECONDS / _BEATS_PER_LEASE)))
        super().__init__(
            list(queues),
            name=str(heartbeat.id),
            connection=queues[0].connection,
            job_class=Job,
            queue_class=type(queues[0]),
            default_result_ttl=0,  # the outcome is in the table of jobs
            log_job_description=False,
            job_monitoring_interval=beat_seconds,
            worker_ttl=_TO_DEQUEUE + beat_seconds,
        )

    @property
    def was_told_to_stop(self) -> bool:
        return self._shutdown_requested_date is not None

    # --- forking, which needs a process with one thread --------------------------------------------------------------

    def subscribe(self) -> None:
        """Do not subscribe to RQ's remote commands: they need a thread, and a process with threads must not fork."""

    def fork_work_horse(self, job: AnyJob, queue: Queue) -> None:
        """Fork the work-horse without database connections, and block SIGTERM until it is there to receive it."""
        connections.close_all()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        try:
            super().fork_work_horse(job, queue)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})

    def setup_work_horse_signals(self) -> None:
        """Set up signals in the work-horse, which calls this first. Until its loop handles SIGTERM, that ends the process."""
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call] # RQ's types have gaps
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
        end_with_parent(self.pid or 0)

    # --- stopping ----------------------------------------------------------------------------------------------------

    def _install_signal_handlers(self) -> None:
        super()._install_signal_handlers()  # type: ignore[no-untyped-call] # as above
        self._on_ready(self._heartbeat.slots, self._heartbeat.short_slots)

    def handle_warm_shutdown_request(self) -> None:
        self._tell_horse_to_stop()

    def set_shutdown_requested_date(self) -> None:
        """Do not write to Redis from a signal handler."""

    def teardown(self) -> None:
        """Wait for the work-horse to stop before leaving, also when Redis was lost during a task."""
        if self.horse_pid:
            self._tell_horse_to_stop()
            self.wait_for_horse()
        try:
            super().teardown()  # type: ignore[no-untyped-call] # as above
        except RedisError as error:
            logger.warning("Redis does not answer. %s", error)

    def _tell_horse_to_stop(self) -> None:
        if self.horse_pid:
            with contextlib.suppress(ProcessLookupError):  # it has ended
                os.kill(self.horse_pid, signal.SIGTERM)

    def handle_work_horse_killed(self, job: AnyJob, retpid: int, ret_val: int, rusage: Any) -> None:
        """Enqueue a wake-up after the work-horse was killed; its jobs are requeued when their leases have expired."""
        super().handle_work_horse_killed(job, retpid, ret_val, rusage)  # type: ignore[no-untyped-call] # as above
        self._wake()

    # --- heartbeats --------------------------------------------------------------------------------------------------

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        if not self.is_horse:
            self._do_upkeep()
        super().heartbeat(timeout, pipeline)

    def maintain_heartbeats(self, job: AnyJob, execution: Execution) -> None:
        """Let the work-horse go on while Redis is down, since its jobs do not need Redis."""
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
            self._heartbeat.reload_speed()
            execution.sweep(self._deletions)
            self._deletions.finish(within=_DELETION_SECONDS)
            self._periodic.tick()
            has_missed_wake_up = self.get_state() != WorkerStatus.BUSY and self._heartbeat.next_job() is not None
        except Error as error:
            logger.warning("The database does not answer. %s", error)
            close_old_connections()
            return
        if has_missed_wake_up:
            self._wake()


def _wait_for_redis(connection: "redis.Redis") -> None:
    """Wait until Redis answers, and log once that it does not."""
    is_logged = False
    while True:
        try:
            connection.ping()
        except RedisError as error:
            if not is_logged:
                logger.warning("Redis does not answer; the worker waits for it. %s", error)
            is_logged = True
            time.sleep(_WAIT_SECONDS)
        else:
            return
