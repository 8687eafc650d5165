"""The row of the present worker: its heartbeat, slots and speed."""

import contextlib
import logging
import socket
import uuid
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Self

from django.conf import settings
from django.db import Error, connections

import segmentation
from segmentation.execution.next_job import JobFinder
from segmentation.models import Worker

logger = logging.getLogger(__name__)

_SHORTEST_MEASURED_SECONDS = 0.2  # shorter jobs consist mostly of the start of their process
_current: ContextVar["Heartbeat | None"] = ContextVar("heartbeat", default=None)


class Heartbeat:
    """The row of one worker in the database, used with either task backend.

    Parameters
    ----------
    slots, short_slots : int
        How many long jobs it does at the same time, and how many further short ones; 0 for the values of the settings.
    """

    def __init__(self, *, slots: int = 0, short_slots: int = 0) -> None:
        self.id = uuid.uuid4()
        self.slots = slots or settings.GMM_WORKER_SLOTS
        self.short_slots = short_slots or settings.WORKER_SHORT_SLOTS
        self.speed = 1.0  # see `Worker.speed`
        self._finder = JobFinder()

    @classmethod
    def current(cls) -> "Heartbeat | None":
        """Return the heartbeat of the worker that this process was forked from, or None. That worker updates the row."""
        return _current.get()

    @contextlib.contextmanager
    def registered(self) -> Iterator[Self]:
        """Create the row of the worker; it counts as alive while `beat` is called. Forked children get it from `current`."""
        self._register()
        token = _current.set(self)
        try:
            yield self
        finally:
            _current.reset(token)
            self._leave()

    def beat(self) -> None:
        """Store the time of a heartbeat. The row is created again if it was deleted."""
        if not Worker.objects.record_heartbeat(self.id):
            self._register()

    def next_job(self, *, long_too: bool = True) -> uuid.UUID | None:
        """Return the next job for this worker; see `JobFinder.find`."""
        return self._finder.find(speed=self.speed, long_too=long_too)

    def update_speed(self, *, expected: float, took: float) -> None:
        """Update the speed from the expected and the measured seconds of a job. Very short jobs are ignored."""
        if expected >= _SHORTEST_MEASURED_SECONDS and took > 0:
            Worker.objects.update_speed(self.id, expected=expected, took=took)
            self.reload_speed()

    def reload_speed(self) -> None:
        """Read the speed from the row: with RQ, the work-horse processes update it."""
        self.speed = Worker.objects.filter(pk=self.id).values_list("speed", flat=True).first() or self.speed

    def mark_stopping(self) -> None:
        """Record that the worker starts no more jobs."""
        Worker.objects.mark_stopping(self.id)

    def _register(self) -> None:
        host = socket.gethostname()
        self.speed = Worker.objects.speed_on(host)
        Worker.objects.create(
            id=self.id,
            host=host,
            release=segmentation.__version__,
            slots=self.slots,
            short_slots=self.short_slots,
            speed=self.speed,
        )

    def _leave(self) -> None:
        try:
            connections.close_all()  # a signal may have interrupted a query
            Worker.objects.mark_ended(self.id)
        except Error as error:
            logger.warning("The database does not answer. %s", error)
        finally:
            connections.close_all()
