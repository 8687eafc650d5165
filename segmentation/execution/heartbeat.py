"""The row of the worker that this process is, or belongs to: its heartbeat, its slots and its speed."""

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
from segmentation.execution.turn import Turns
from segmentation.models import Worker

logger = logging.getLogger(__name__)

_SHORTEST_MEASURED_SECONDS = 0.2  # less is mostly the start of the process
_current: ContextVar["Heartbeat | None"] = ContextVar("heartbeat", default=None)


class Heartbeat:
    """The heartbeat of one worker, whichever backend it works for.

    Parameters
    ----------
    slots, short_slots : int
        How many long jobs it does at the same time, and how many short ones beside them; 0 as the settings say.
    """

    def __init__(self, *, slots: int = 0, short_slots: int = 0) -> None:
        self.id = uuid.uuid4()
        self.slots = slots or settings.GMM_WORKER_SLOTS
        self.short_slots = short_slots or settings.WORKER_SHORT_SLOTS
        self.speed = 1.0  # see `Worker.speed`
        self._turns = Turns()

    @classmethod
    def current(cls) -> "Heartbeat | None":
        """Return the worker that this process was forked from, when there is one: it sees to the row."""
        return _current.get()

    @contextlib.contextmanager
    def registered(self) -> Iterator[Self]:
        """Register the worker; it counts as alive as long as `beat` is called. Forked children find it as `current`."""
        self._register()
        token = _current.set(self)
        try:
            yield self
        finally:
            _current.reset(token)
            self._leave()

    def beat(self) -> None:
        """Say that the worker lives, also when its row was deleted."""
        if not Worker.objects.saw(self.id):
            self._register()

    def next_job(self, *, long_too: bool = True) -> uuid.UUID | None:
        """Return the job whose turn it is among those that this worker can do; see `Turns.next`."""
        return self._turns.next(speed=self.speed, long_too=long_too)

    def learn(self, *, expected: float, took: float) -> None:
        """Let the speed follow what a job took beside what was expected; very short ones say little of it."""
        if expected >= _SHORTEST_MEASURED_SECONDS and took > 0:
            Worker.objects.measured(self.id, expected=expected, took=took)
            self.recall_speed()

    def recall_speed(self) -> None:
        """Take the speed as it stands in the row: with RQ each work-horse learns, and the worker lives on."""
        self.speed = Worker.objects.filter(pk=self.id).values_list("speed", flat=True).first() or self.speed

    def leaving(self) -> None:
        """Note that the worker begins no more jobs."""
        Worker.objects.leaving(self.id)

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
            connections.close_all()  # a signal may have broken off what was being asked
            Worker.objects.left(self.id)
        except Error as error:
            logger.warning("The database does not answer. %s", error)
        finally:
            connections.close_all()
