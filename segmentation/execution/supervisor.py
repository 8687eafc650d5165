"""Supervise one attempt at a job from the parent process: heartbeats, cancellation, storing the outcome.

The parent process writes rows, the child process files.
"""

import contextlib
import logging
import os
import time
from multiprocessing.connection import Connection

from django.db import close_old_connections, transaction
from structlog.contextvars import bound_contextvars

from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.sandbox import Child, ChildLost, Report
from segmentation.execution.database_errors import DATABASE_UNAVAILABLE
from segmentation.execution.file_deletions import FileDeletionQueue
from segmentation.execution.forking import fork
from segmentation.execution.kinds import Assignment, Product
from segmentation.execution.lost_attempts import requeue_or_fail
from segmentation.execution.spool import Spool, SpoolError
from segmentation.models import Job
from segmentation.models.jobs import SHORT_SECONDS

logger = logging.getLogger(__name__)

BEAT_SECONDS = 0.5
OVERDUE_SECONDS = 2 * SHORT_SECONDS
_LONG_NICENESS = 10
INTERNAL_ERROR = gettext_noop("An internal error occurred. Administrators find the details in the log.")


class Supervisor:
    """Starts the child process of an attempt and follows it. Call `tick` repeatedly until `ended` is true.

    Every statement tests the lease, so an attempt that has lost its lease changes no row. The files of an attempt without an
    outcome are deleted after its child has ended.
    """

    def __init__(self, assignment: Assignment, deletions: FileDeletionQueue) -> None:
        self.ended = False
        self.is_long = assignment.is_long
        self.expected_seconds = assignment.expected_seconds
        # Of a successful job, to update the speed of the worker; None: not to be used for that.
        self.compute_seconds: float | None = None
        self._began = time.monotonic()
        self._assignment = assignment
        self._deletions = deletions
        self._lease = assignment.lease
        self._abandoned = False  # the lease was lost or given up
        self._next_beat = time.monotonic() + BEAT_SECONDS
        self._pause_until = 0.0
        # Context of log lines
        self._log_context = {f"{assignment.kind.name}_id": str(assignment.job_id), "attempt": assignment.attempt}
        self._child: Child | None = None  # None until all rows are spooled
        self._spool = None if assignment.rows is None else Spool(assignment.rows)
        if self._spool is None:
            with bound_contextvars(**self._log_context):  # the child inherits the context
                self._start_child()

    @property
    def connection(self) -> Connection | None:
        """A connection that becomes readable when `tick` should be called at once; None without a child."""
        return None if self._child is None else self._child.connection

    def tick(self) -> None:
        """Do what is due now. If the database does not answer, it is tried again at the next heartbeat, until the lease expires."""
        with bound_contextvars(**self._log_context):
            self._tick()

    def _tick(self) -> None:
        try:
            self._advance()
        except DATABASE_UNAVAILABLE as error:
            logger.warning("%s: the database does not answer. %s", self._assignment, error)
            close_old_connections()
            self._pause_until = time.monotonic() + BEAT_SECONDS
        except Exception:  # a bug must not end the worker, which has other jobs
            logger.exception("%s: this attempt ends.", self._assignment)
            self._end_after_error()

    @property
    def is_overdue(self) -> bool:
        """Whether a job that was expected to be short has run for too long to keep a slot for short jobs."""
        return not self.is_long and not self._abandoned and time.monotonic() - self._began > OVERDUE_SECONDS

    def treat_as_long(self) -> None:
        """Count the job as a long one from now on."""
        self.is_long = True
        self._lower_priority()

    def raise_expected_seconds(self, *, speed: float) -> bool:
        """Raise the expected cost so that the job is long on a worker of this speed. Returns whether the lease was still valid."""
        self.expected_seconds = OVERDUE_SECONDS * speed
        return Job.objects.raise_expected_seconds(self._lease, seconds=self.expected_seconds)

    def abandon(self) -> None:
        """Kill the child; a later `tick` deletes its files."""
        self._abandoned = True
        if self._child is not None:
            self._child.kill()

    def requeue(self) -> None:
        """Kill the child and requeue the job; the attempt does not count."""
        self.abandon()
        Job.objects.requeue(self._lease, counted=False)

    def _lower_priority(self) -> None:
        """Lower the priority of the child, so that short jobs get a core at once."""
        if self._child is None:
            return  # `_start_child` does it
        with contextlib.suppress(ProcessLookupError):  # the child has ended
            os.setpriority(os.PRIO_PROCESS, self._child.pid, _LONG_NICENESS)

    def _advance(self) -> None:
        if self.ended or time.monotonic() < self._pause_until:
            return
        is_over = self._abandoned if self._child is None else self._child.poll()
        if is_over and self._abandoned:
            self._discard()
        elif is_over and self._child is not None:
            self._handle_end(self._child)
        elif not self._abandoned and time.monotonic() >= self._next_beat:
            self._beat()
        elif self._child is None and self._spool is not None:
            self._spool_rows(self._spool)

    def _spool_rows(self, spool: Spool) -> None:
        """Write some rows, and start the child after the last. Fail or requeue the job if the machine lacks the resources."""
        try:
            if spool.fill():
                self._start_child()
        except SpoolError as error:
            self.abandon()
            Job.objects.fail(self._lease, code=error.storage_error.code, detail=str(error.storage_error))
        except OSError:
            logger.exception("%s: the machine has no resources for another process.", self._assignment)
            self.requeue()

    def _start_child(self) -> None:
        rows = None if self._spool is None else self._spool.file

        def work(report: Report) -> Product:
            return self._assignment.call(report, rows)

        self._child = fork(work, allowance=self._assignment.allowance)
        if self.is_long:
            self._lower_priority()

    def _beat(self) -> None:
        self._next_beat = time.monotonic() + BEAT_SECONDS
        first = (self._assignment.kind.stages[0].name, 0)
        stage, percent = (self._child.progress if self._child else None) or first
        if not Job.objects.extend_lease(self._lease, stage=stage, percent=percent):
            logger.info("%s was cancelled, deleted, requeued or given to another worker.", self._assignment)
            self.abandon()

    def _handle_end(self, child: Child) -> None:
        try:
            product: Product = child.result()
        except ChildLost:
            logger.warning("%s: its child was killed in attempt %s.", self._assignment, self._assignment.attempt)
            requeue_or_fail(Job.objects.all(), lease=self._lease, attempt=self._assignment.attempt)
            self._discard()
        except SegmentationError as error:
            logger.info("%s failed: %s.", self._assignment, error.code)
            Job.objects.fail(self._lease, code=error.code, detail=str(error))
            self._discard()
        else:
            self._finish(product)

    def _finish(self, product: Product) -> None:
        if _record(self._assignment, product):
            self.compute_seconds = product.seconds
            self._end_successfully()
        else:
            self._discard()

    def _end_successfully(self) -> None:
        kind = self._assignment.kind
        logger.info("%s succeeded.", self._assignment)
        if (
            self._assignment.attempt > 1
        ):  # the files of earlier attempts may still be there, if their workers were killed
            self._deletions.delete(kind.prefix(self._assignment.job_id), keep=(str(self._lease), *kind.kept_folders))
        self._end()

    def _end_after_error(self) -> None:
        """Fail the job after an unexpected exception; the worker goes on with other jobs."""
        self.abandon()
        try:
            Job.objects.fail(self._lease, code="internal_error", detail=INTERNAL_ERROR)
        except DATABASE_UNAVAILABLE:
            logger.exception("%s is left to the sweep.", self._assignment)

    def _discard(self) -> None:
        """Queue the deletion of the attempt's files, or of all files of the job if it was deleted.

        The files stay if the outcome was stored: the lease is also lost when the connection to the database breaks after the
        commit.
        """
        kind, job_id = self._assignment.kind, self._assignment.job_id
        if kind.has_recorded(self._assignment):
            self._end_successfully()
            return
        is_gone = not Job.objects.filter(pk=job_id).exists()
        self._deletions.delete(kind.prefix(job_id) if is_gone else self._assignment.prefix)
        self._end()

    def _end(self) -> None:
        if self._spool is not None:
            self._spool.close()
        self.ended = True


def _record(assignment: Assignment, product: Product) -> bool:
    """Store the outcome and set the job to SUCCEEDED, in one transaction. Returns False if the lease is no longer valid."""
    with transaction.atomic():
        if not Job.objects.succeed(assignment.lease):
            return False
        assignment.kind.record(assignment, product)
    return True
