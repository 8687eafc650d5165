"""Run the periodic tasks. The first worker that finds one due runs it in a child process, so that its heartbeats go on."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connections

from segmentation import formatting, upkeep
from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.sandbox import Allowance, Child, ChildLost
from segmentation.execution.forking import fork
from segmentation.models import PeriodicTask
from segmentation.models.periodic_tasks import PeriodicTaskName

logger = logging.getLogger(__name__)

POLL_SECONDS = 10.0
_MEMORY = 500_000_000
# The time limit of a task is this fraction of its period: so it never runs twice at a time.
_SHARE_OF_PERIOD = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class _TaskDefinition:
    """The period of a task, and the function that does it, which returns a report and a description of a problem (or "")."""

    every: timedelta
    perform: Callable[[], tuple[dict[str, Any] | None, str]]


class PeriodicTaskRunner:
    """Starts the periodic tasks that are due, one at a time in this worker. Call `tick` repeatedly."""

    def __init__(self) -> None:
        self._child: Child | None = None
        self._running_name = ""
        self._next_poll = 0.0
        self._are_planned = False

    def tick(self) -> None:
        """Check whether the child has ended; without a child, start a task that is due.

        Raises
        ------
        django.db.Error
            When the database does not answer; a later call tries again.
        """
        if self._child is not None:
            if self._child.poll():
                self._store_outcome(self._child)
                self._child = None
        elif time.monotonic() >= self._next_poll:
            self._next_poll = time.monotonic() + POLL_SECONDS
            self._start_next()

    def _start_next(self) -> None:
        if not self._are_planned:
            for name, task in _TASKS.items():
                PeriodicTask.objects.plan(name, every=task.every)
            self._are_planned = True
        for name in PeriodicTask.objects.due().values_list("name", flat=True):
            known = _TASKS.get(name)  # None for a task of a newer release
            if known and PeriodicTask.objects.claim(name, every=known.every):
                self._start(name, known)
                return

    def _start(self, name: str, task: _TaskDefinition) -> None:
        seconds = task.every.total_seconds() * _SHARE_OF_PERIOD
        try:
            self._child = fork(lambda _report: _perform(task), allowance=Allowance(memory=_MEMORY, seconds=seconds))
        except OSError as error:
            self._store(name, None, f"The machine has no resources for another process. {error}")
        self._running_name = name

    def _store_outcome(self, child: Child) -> None:
        try:
            self._store(self._running_name, *child.result())
        except (SegmentationError, ChildLost) as failure:
            self._store(self._running_name, None, str(failure) or "Its process was killed.")

    @staticmethod
    def _store(name: str, report: dict[str, Any] | None, problem: str) -> None:
        if problem:
            logger.error("%s: %s", PeriodicTaskName(name).label, problem)
        PeriodicTask.objects.finish(name, report=report, problem=problem)


def _perform(task: _TaskDefinition) -> tuple[dict[str, Any] | None, str]:
    try:
        return task.perform()
    finally:
        connections.close_all()  # those of the child; the parent has closed its own before the fork


def _sweep_files() -> tuple[dict[str, Any], str]:
    report = upkeep.sweep_files()
    return report.to_mapping(), "" if report.is_sound else f"{report} See manage.py sweepfiles."


def _remove_expired() -> tuple[dict[str, Any], str]:
    return dict(upkeep.remove_expired()), ""


def _record_sizes() -> tuple[dict[str, Any], str]:
    return {"measured": upkeep.record_sizes()}, ""


def _check_disk() -> tuple[dict[str, Any] | None, str]:
    space = upkeep.disk_space()
    if space is None:
        return None, ""
    left = f"{formatting.filesize(space.free)} of {formatting.filesize(space.total)} are left for pictures."
    return {"free": space.free, "total": space.total}, left if space.is_low else ""


_TASKS: Mapping[str, _TaskDefinition] = {
    PeriodicTaskName.FILES: _TaskDefinition(every=timedelta(days=1), perform=_sweep_files),
    PeriodicTaskName.RETENTION: _TaskDefinition(every=timedelta(days=1), perform=_remove_expired),
    PeriodicTaskName.DISK: _TaskDefinition(every=timedelta(minutes=10), perform=_check_disk),
    PeriodicTaskName.SIZES: _TaskDefinition(every=timedelta(minutes=10), perform=_record_sizes),
}
