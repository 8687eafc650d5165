"""The loop of a worker: look whose turn it is, see to what runs, sweep, stop in order. One process, one thread."""

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
from segmentation.execution.attempt import Assignment
from segmentation.execution.duties import Duties
from segmentation.execution.errands import Errands
from segmentation.execution.presence import Presence
from segmentation.execution.supervisor import INTERNAL_ERROR, Supervisor
from segmentation.execution.sweep import sweep
from segmentation.models import Job, Run

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.1
SWEEP_SECONDS = 10.0
_SWEEPS_PER_LEASE = 3  # also how often the worker says that it lives
_REST_SECONDS = 1.0  # while the database does not answer
_TIDY_SECONDS = 0.8  # for deleting files at the end; a supervisor kills us a second after the grace


def work(*, on_ready: Callable[[int], None] = lambda _places: None) -> None:
    """Serve runs until SIGTERM or SIGINT; what still runs after `GMM_STOP_SECONDS` is handed back.

    Parameters
    ----------
    on_ready : callable
        Called with the number of runs that are done at the same time, once signals are heeded.
    """
    presence = Presence()
    loop = _Loop(presence, duties=Duties())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: loop.stop())
    with presence.announced():
        loop.serve(on_ready=on_ready)


def serve_until_empty(*, seconds: float = 60.0) -> bool:
    """Serve runs until none waits; begin none after `seconds`, nor after SIGTERM, which is as in `work`.

    In a process that was forked from a worker, this is done in its name and with its places. Elsewhere runs are done one
    after the other. Returns whether some were left behind.
    """
    around = Presence.around()
    if around is not None:
        return _serve_until_empty(around, seconds)
    with Presence(slots=1).announced() as presence:
        return _serve_until_empty(presence, seconds)


def _serve_until_empty(presence: Presence, seconds: float) -> bool:
    loop = _Loop(presence)
    deadline = time.monotonic() + seconds
    before = signal.signal(signal.SIGTERM, lambda _number, _frame: loop.stop())
    try:
        loop.serve(until=lambda: loop.is_idle or time.monotonic() > deadline)
        return loop.leaves_runs_behind
    finally:
        signal.signal(signal.SIGTERM, before)


class _Loop:
    def __init__(self, presence: Presence, *, duties: Duties | None = None) -> None:
        self.is_idle = False  # nothing runs, and nothing waited at the last look
        self._presence = presence
        self._attempts: list[Supervisor] = []
        self._errands = Errands()
        self._duties = duties
        self._next_look = self._next_sweep = 0.0
        self._stopping_since: float | None = None
        self._has_said_so = False

    @property
    def leaves_runs_behind(self) -> bool:
        """Whether something waits that this release knows; when the database cannot say, somebody should look again."""
        try:
            return self._presence.turns.next() is not None
        except Error:
            return True

    def stop(self) -> None:
        """Begin no more runs; called by a signal at any moment."""
        if self._stopping_since is None:  # asking again gains no time
            self._stopping_since = time.monotonic()

    def serve(
        self, *, until: Callable[[], bool] = lambda: False, on_ready: Callable[[int], None] = lambda _places: None
    ) -> None:
        """Serve until told to stop, or until `until` says that it is enough and nothing runs any more."""
        with bound_contextvars(worker_id=str(self._presence.id)):
            self._serve(until, on_ready)

    def _serve(self, until: Callable[[], bool], on_ready: Callable[[int], None]) -> None:
        on_ready(self._presence.slots)
        while True:
            self._say_if_stopping()
            self._see_to_attempts()  # before the sweep: after a pause of the database, a beat keeps what is ours
            self._sweep_if_due()
            self._fill_places(is_enough=until())
            self._errands.tick()
            self._see_to_duties()
            if self._is_over(is_enough=until()):
                break
            self._wait()
        self._leave()

    def _say_if_stopping(self) -> None:
        """Not in the signal's handler: it may have come in the middle of a query."""
        if self._stopping_since is None or self._has_said_so:
            return
        self._has_said_so = True
        try:
            self._presence.leaving()
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
            self._presence.beat()
            sweep(self._errands)
        except Error as error:
            self._rest(error)

    def _see_to_duties(self) -> None:
        if self._duties is None or self._stopping_since is not None:
            return
        try:
            self._duties.tick()
        except Error as error:
            self._rest(error)

    def _see_to_attempts(self) -> None:
        for attempt in self._attempts:
            attempt.tick()
        still = [attempt for attempt in self._attempts if not attempt.ended]
        if len(still) < len(self._attempts):
            self._next_look = 0.0
        self._attempts = still

    def _fill_places(self, *, is_enough: bool) -> None:
        while (
            self._stopping_since is None
            and not is_enough
            and len(self._attempts) < self._presence.slots
            and time.monotonic() >= self._next_look
        ):
            try:
                found = self._claim_next()
            except Error as error:
                self._rest(error)
                return
            if not found:
                self._next_look = time.monotonic() + LOOK_SECONDS
            self.is_idle = not found and not self._attempts

    def _rest(self, error: Error) -> None:
        logger.warning("The database does not answer. %s", error)
        close_old_connections()
        self._next_look = time.monotonic() + _REST_SECONDS
        self._next_sweep = max(self._next_sweep, self._next_look)

    # --- the next run ---------------------------------------------------------------------------------------------

    def _claim_next(self) -> bool:
        """Begin the run whose turn it is; returns False when none waits that this release knows."""
        while (job_id := self._presence.turns.next()) is not None:
            lease = Job.objects.claim(job_id, worker_id=self._presence.id)
            if lease is not None:
                self._begin(job_id, lease)
                return True
        return False

    def _begin(self, job_id: uuid.UUID, lease: uuid.UUID) -> None:
        run = Run.objects.select_related("image", "job").defer("image__metadata").filter(pk=job_id, job__lease=lease)
        claimed = run.first()
        if claimed is None:
            return  # cancelled or deleted meanwhile
        try:
            assignment = Assignment.of(claimed, lease=lease, attempt=claimed.job.attempt)
            self._attempts.append(Supervisor(assignment, self._errands))
        except SegmentationError as error:
            Job.objects.fail(lease, code=error.code, detail=str(error))
        except OSError:
            logger.exception("Run %s: the machine has no room for another process.", job_id)
            Job.objects.hand_back(lease, counted=False)  # says nothing of the run
            self._next_look = time.monotonic() + _REST_SECONDS
        except Exception:
            logger.exception("Run %s cannot begin.", job_id)
            Job.objects.fail(lease, code="internal_error", detail=INTERNAL_ERROR)

    # --- the end --------------------------------------------------------------------------------------------------

    def _leave(self) -> None:
        """Hand back what runs, and delete what it has stored. Whatever fails is left to others' sweeps."""
        try:
            for attempt in self._attempts:
                attempt.hand_back()
            self._finish_attempts()
            self._errands.finish(within=_TIDY_SECONDS)
        except Error as error:
            logger.warning("The database does not answer. %s", error)
        finally:
            connections.close_all()

    def _finish_attempts(self) -> None:
        """Killed children end at once; do not wait for one that hangs in the kernel."""
        deadline = time.monotonic() + _TIDY_SECONDS
        while self._attempts and time.monotonic() < deadline:
            self._see_to_attempts()
            self._wait()
