"""One attempt as its parent sees it: beats, cancel, verdict, finish. The parent does the row, the child the files."""

import contextlib
import functools
import logging
import os
import time
from multiprocessing.connection import Connection
from typing import Any

from django.db import close_old_connections, transaction
from structlog.contextvars import bound_contextvars

from segmentation import files
from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.progress import Stage
from segmentation.engine.sandbox import ChildLost
from segmentation.execution.attempt import Assignment, Product, perform
from segmentation.execution.errands import Errands
from segmentation.execution.forking import fork
from segmentation.execution.loss import settle_loss
from segmentation.execution.outage import OUTAGE
from segmentation.models import Job, Result, Revision, Run
from segmentation.models.jobs import SHORT_SECONDS

logger = logging.getLogger(__name__)

BEAT_SECONDS = 0.5
OVERDUE_SECONDS = 2 * SHORT_SECONDS
_LONG_NICENESS = 10
INTERNAL_ERROR = gettext_noop("An internal error occurred. Administrators find the details in the log.")


class Supervisor:
    """Starts the child of an attempt; then `tick` as often as you like, until it `ended`.

    Who no longer holds the lease changes nothing: every statement is guarded by it. The files of an attempt that came to
    nothing are deleted when its child is gone.
    """

    def __init__(self, assignment: Assignment, errands: Errands) -> None:
        self.ended = False
        self.is_long = assignment.is_long
        self.expected_seconds = assignment.expected_seconds
        self.took: float | None = None  # seconds of all stages, once the run has succeeded
        self._began = time.monotonic()
        self._assignment = assignment
        self._errands = errands
        self._lease = assignment.lease
        self._abandoned = False  # the lease is lost, or handed back
        self._due = time.monotonic() + BEAT_SECONDS
        self._rest_until = 0.0
        self._about = {"run_id": str(assignment.run_id), "attempt": assignment.attempt}  # in every line of the log
        with bound_contextvars(**self._about):  # the child has it, too
            self._child = fork(functools.partial(perform, assignment), allowance=assignment.allowance)
        if self.is_long:
            self._yield_to_short()

    @property
    def connection(self) -> Connection | None:
        """What can be read when there is a reason to tick at once."""
        return self._child.connection

    def tick(self) -> None:
        """Do what is due. A database that does not answer is asked again at the next beat, as long as the lease lasts."""
        with bound_contextvars(**self._about):
            self._tick()

    def _tick(self) -> None:
        try:
            self._advance()
        except OUTAGE as error:
            logger.warning("Run %s: the database does not answer. %s", self._assignment.run_id, error)
            close_old_connections()
            self._rest_until = time.monotonic() + BEAT_SECONDS
        except Exception:
            logger.exception("Run %s: this attempt ends.", self._assignment.run_id)
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
        self._child.kill()

    def hand_back(self) -> None:
        """Return the run to the queue as if it had not begun."""
        self.abandon()
        Job.objects.hand_back(self._lease, counted=False)

    def _yield_to_short(self) -> None:
        """Lower the child's priority, so that a short run gets its core at once."""
        with contextlib.suppress(ProcessLookupError):  # somebody else has reaped it
            os.setpriority(os.PRIO_PROCESS, self._child.pid, _LONG_NICENESS)

    def _advance(self) -> None:
        if self.ended or time.monotonic() < self._rest_until:
            return
        is_over = self._child.poll()
        if is_over and self._abandoned:
            self._discard()
        elif is_over:
            self._settle()
        elif not self._abandoned and time.monotonic() >= self._due:
            self._beat()

    def _beat(self) -> None:
        self._due = time.monotonic() + BEAT_SECONDS
        stage, percent = self._child.progress or (Stage.READING.value, 0)
        if not Job.objects.beat(self._lease, stage=stage, percent=percent):
            logger.info(
                "Run %s was cancelled, deleted, handed back or given to another worker.", self._assignment.run_id
            )
            self.abandon()

    def _settle(self) -> None:
        try:
            product: Product = self._child.result()
        except ChildLost:
            logger.warning(
                "Run %s: its child was killed in attempt %s.", self._assignment.run_id, self._assignment.attempt
            )
            settle_loss(Job.objects.all(), lease=self._lease, attempt=self._assignment.attempt)
            self._discard()
        except SegmentationError as error:
            logger.info("Run %s failed: %s.", self._assignment.run_id, error.code)
            Job.objects.fail(self._lease, code=error.code, detail=str(error))
            self._discard()
        else:
            self._finish(product)

    def _finish(self, product: Product) -> None:
        if _record(self._assignment, product):
            self.took = sum(product.summary["seconds"].values())
            self._conclude()
        else:
            self._discard()

    def _conclude(self) -> None:
        run_id = self._assignment.run_id
        logger.info("Run %s succeeded.", run_id)
        if self._assignment.attempt > 1:  # whoever was to delete the files of the others may have been killed, too
            self._errands.delete(files.run_prefix(run_id), keep=(str(self._lease), files.INPUTS))
        self.ended = True

    def _end_in_disorder(self) -> None:
        """A bug of ours is the end of this attempt, and of nothing else."""
        self.abandon()
        try:
            Job.objects.fail(self._lease, code="internal_error", detail=INTERNAL_ERROR)
        except OUTAGE:
            logger.exception("Run %s is left to the sweep.", self._assignment.run_id)

    def _discard(self) -> None:
        """Have the attempt's files deleted; those of a run that is gone with all that belongs to it.

        The lease is also gone when the result was recorded and the connection lost before the news of it: the files stay.
        """
        run_id = self._assignment.run_id
        if Result.objects.filter(run_id=run_id, lease=self._lease).exists():
            self._conclude()
            return
        is_gone = not Job.objects.filter(pk=run_id).exists()
        self._errands.delete(files.run_prefix(run_id) if is_gone else files.run_prefix(run_id, self._lease))
        self.ended = True


def _record(assignment: Assignment, product: Product) -> bool:
    """RUNNING -> SUCCEEDED with its result and first revision, or nothing; returns whether the lease still held."""
    with transaction.atomic():
        if not Job.objects.succeed(assignment.lease):
            return False
        Result.objects.create(run_id=assignment.run_id, lease=assignment.lease, **_columns(product))
        Revision.objects.create(run_id=assignment.run_id, number=0, legend=product.summary["legend"])
        Run.objects.filter(pk=assignment.run_id).update(revision=0)
    return True


def _columns(product: Product) -> dict[str, Any]:
    summary = product.summary
    plain = (
        "pixels_sha256", "log_likelihood", "iterations", "converged", "seconds", "mixture", "components", "versions",
    )  # fmt: skip
    return {
        "files": product.files,
        "bytes": sum(file["bytes"] for file in product.files.values()),
        "facts": {
            name: summary[name]
            for name in (
                "distinct_colours",
                "fitted_pixels",
                "valid_pixels",
                "left_out_pixels",
                "notices",
                "features",
                "header",
            )
        },
        **{name: summary[name] for name in plain},
    }
