"""One attempt as its parent sees it: heartbeats, cancelling, finishing. The parent writes rows, the child files."""

import contextlib
import logging
import os
import time
from multiprocessing.connection import Connection

from django.db import close_old_connections, transaction
from structlog.contextvars import bound_contextvars

from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.sandbox import Child, ChildLost, Report
from segmentation.execution.file_deletions import FileDeletionQueue
from segmentation.execution.forking import fork
from segmentation.execution.kinds import Assignment, Product
from segmentation.execution.loss import settle_loss
from segmentation.execution.outage import OUTAGE
from segmentation.execution.spool import NoRoom, Spool
from segmentation.models import Job
from segmentation.models.jobs import SHORT_SECONDS

logger = logging.getLogger(__name__)

BEAT_SECONDS = 0.5
OVERDUE_SECONDS = 2 * SHORT_SECONDS
_LONG_NICENESS = 10
INTERNAL_ERROR = gettext_noop("An internal error occurred. Administrators find the details in the log.")


class Supervisor:
    """Starts the child of an attempt, once its rows are spooled; then `tick` as often as you like, until it `ended`.

    Who no longer holds the lease changes nothing: every statement is guarded by it. The files of an attempt that came to
    nothing are deleted when its child is gone.
    """

    def __init__(self, assignment: Assignment, deletions: FileDeletionQueue) -> None:
        self.ended = False
        self.is_long = assignment.is_long
        self.expected_seconds = assignment.expected_seconds
        self.took: float | None = (
            None  # seconds of computing, once the job has succeeded; None: they tell nothing of the speed
        )
        self._began = time.monotonic()
        self._assignment = assignment
        self._deletions = deletions
        self._lease = assignment.lease
        self._abandoned = False  # the lease is lost, or handed back
        self._due = time.monotonic() + BEAT_SECONDS
        self._rest_until = 0.0
        self._about = {
            f"{assignment.kind.name}_id": str(assignment.job_id),
            "attempt": assignment.attempt,
        }  # in the log
        self._child: Child | None = None  # not before all rows are spooled
        self._spool = None if assignment.rows is None else Spool(assignment.rows)
        if self._spool is None:
            with bound_contextvars(**self._about):  # the child has it, too
                self._start_child()

    @property
    def connection(self) -> Connection | None:
        """What can be read when there is a reason to tick at once."""
        return None if self._child is None else self._child.connection

    def tick(self) -> None:
        """Do what is due. A database that does not answer is asked again at the next heartbeat, as long as the lease lasts."""
        with bound_contextvars(**self._about):
            self._tick()

    def _tick(self) -> None:
        try:
            self._advance()
        except OUTAGE as error:
            logger.warning("%s: the database does not answer. %s", self._assignment, error)
            close_old_connections()
            self._rest_until = time.monotonic() + BEAT_SECONDS
        except Exception:
            logger.exception("%s: this attempt ends.", self._assignment)
            self._end_in_disorder()

    @property
    def is_overdue(self) -> bool:
        """Whether it was taken for short, and runs for much longer: it must not hold a slot for short runs."""
        return not self.is_long and not self._abandoned and time.monotonic() - self._began > OVERDUE_SECONDS

    def turn_long(self) -> None:
        """Count it as long from now on."""
        self.is_long = True
        self._yield_to_short()

    def expect_more(self, *, speed: float) -> bool:
        """Expect that it is long on a worker of this speed; returns whether the lease still held."""
        self.expected_seconds = OVERDUE_SECONDS * speed
        return Job.objects.expect_more(self._lease, seconds=self.expected_seconds)

    def abandon(self) -> None:
        """Kill the child; a later tick sees to its files."""
        self._abandoned = True
        if self._child is not None:
            self._child.kill()

    def hand_back(self) -> None:
        """Return the job to the queue as if it had not begun."""
        self.abandon()
        Job.objects.hand_back(self._lease, counted=False)

    def _yield_to_short(self) -> None:
        """Lower the child's priority, so that a short job gets its core at once."""
        if self._child is None:
            return  # it is lowered when the child starts
        with contextlib.suppress(ProcessLookupError):  # somebody else has reaped it
            os.setpriority(os.PRIO_PROCESS, self._child.pid, _LONG_NICENESS)

    def _advance(self) -> None:
        if self.ended or time.monotonic() < self._rest_until:
            return
        is_over = self._abandoned if self._child is None else self._child.poll()
        if is_over and self._abandoned:
            self._discard()
        elif is_over and self._child is not None:
            self._settle(self._child)
        elif not self._abandoned and time.monotonic() >= self._due:
            self._beat()
        elif self._child is None and self._spool is not None:
            self._spool_rows(self._spool)

    def _spool_rows(self, spool: Spool) -> None:
        """Write some rows; start the child after the last. Without room for them or the child, the job does not begin."""
        try:
            if spool.fill():
                self._start_child()
        except NoRoom as error:
            self.abandon()
            Job.objects.fail(self._lease, code=error.refusal.code, detail=str(error.refusal))
        except OSError:
            logger.exception("%s: the machine has no room for another process.", self._assignment)
            self.hand_back()

    def _start_child(self) -> None:
        rows = None if self._spool is None else self._spool.file

        def work(report: Report) -> Product:
            return self._assignment.call(report, rows)

        self._child = fork(work, allowance=self._assignment.allowance)
        if self.is_long:
            self._yield_to_short()

    def _beat(self) -> None:
        self._due = time.monotonic() + BEAT_SECONDS
        first = (self._assignment.kind.stages[0].name, 0)
        stage, percent = (self._child.progress if self._child else None) or first
        if not Job.objects.beat(self._lease, stage=stage, percent=percent):
            logger.info("%s was cancelled, deleted, handed back or given to another worker.", self._assignment)
            self.abandon()

    def _settle(self, child: Child) -> None:
        try:
            product: Product = child.result()
        except ChildLost:
            logger.warning("%s: its child was killed in attempt %s.", self._assignment, self._assignment.attempt)
            settle_loss(Job.objects.all(), lease=self._lease, attempt=self._assignment.attempt)
            self._discard()
        except SegmentationError as error:
            logger.info("%s failed: %s.", self._assignment, error.code)
            Job.objects.fail(self._lease, code=error.code, detail=str(error))
            self._discard()
        else:
            self._finish(product)

    def _finish(self, product: Product) -> None:
        if _record(self._assignment, product):
            self.took = product.seconds
            self._conclude()
        else:
            self._discard()

    def _conclude(self) -> None:
        kind = self._assignment.kind
        logger.info("%s succeeded.", self._assignment)
        if self._assignment.attempt > 1:  # whoever was to delete the files of the others may have been killed, too
            self._deletions.delete(kind.prefix(self._assignment.job_id), keep=(str(self._lease), *kind.kept_folders))
        self._end()

    def _end_in_disorder(self) -> None:
        """A bug of ours is the end of this attempt, and of nothing else."""
        self.abandon()
        try:
            Job.objects.fail(self._lease, code="internal_error", detail=INTERNAL_ERROR)
        except OUTAGE:
            logger.exception("%s is left to the sweep.", self._assignment)

    def _discard(self) -> None:
        """Have the attempt's files deleted; those of a job that is gone with all that belongs to it.

        The lease is also gone when the result was recorded and the connection lost before the news of it: the files stay.
        """
        kind, job_id = self._assignment.kind, self._assignment.job_id
        if kind.has_recorded(self._assignment):
            self._conclude()
            return
        is_gone = not Job.objects.filter(pk=job_id).exists()
        self._deletions.delete(kind.prefix(job_id) if is_gone else self._assignment.prefix)
        self._end()

    def _end(self) -> None:
        if self._spool is not None:
            self._spool.close()
        self.ended = True


def _record(assignment: Assignment, product: Product) -> bool:
    """RUNNING -> SUCCEEDED with what was made, or nothing; returns whether the lease still held."""
    with transaction.atomic():
        if not Job.objects.succeed(assignment.lease):
            return False
        assignment.kind.record(assignment, product)
    return True
