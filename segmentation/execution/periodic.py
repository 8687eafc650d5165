"""Periodic tasks: done by whichever worker is first, in a child, so that its heartbeats go on."""

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

LOOK_SECONDS = 10.0
_MEMORY = 500_000_000
_SHARE_OF_PERIOD = 0.8  # after which a task is ended: before its next time, so that it never runs twice at once


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """How often a task is done, and the call that does it; it returns a report and a problem in words, or none."""

    every: timedelta
    perform: Callable[[], tuple[dict[str, Any] | None, str]]


class PeriodicTasks:
    """Starts the periodic tasks that are due. Call `tick` now and then; one worker does at most one at a time."""

    def __init__(self) -> None:
        self._child: Child | None = None
        self._doing = ""
        self._next_look = 0.0
        self._are_planned = False

    def tick(self) -> None:
        """Check the child, or look which task is due and begin it.

        Raises
        ------
        django.db.Error
            When the database does not answer; a later call goes on.
        """
        if self._child is not None:
            if self._child.poll():
                self._settle(self._child)
                self._child = None
        elif time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_SECONDS
            self._begin_next()

    def _begin_next(self) -> None:
        if not self._are_planned:
            for name, task in _TASKS.items():
                PeriodicTask.objects.plan(name, every=task.every)
            self._are_planned = True
        for name in PeriodicTask.objects.due().values_list("name", flat=True):
            known = _TASKS.get(name)  # none: a newer release has more tasks
            if known and PeriodicTask.objects.claim(name, every=known.every):
                self._begin(name, known)
                return

    def _begin(self, name: str, task: _Task) -> None:
        seconds = task.every.total_seconds() * _SHARE_OF_PERIOD
        try:
            self._child = fork(lambda _report: _perform(task), allowance=Allowance(memory=_MEMORY, seconds=seconds))
        except OSError as error:
            self._note(name, None, f"The machine has no room for another process. {error}")
        self._doing = name

    def _settle(self, child: Child) -> None:
        try:
            self._note(self._doing, *child.result())
        except (SegmentationError, ChildLost) as failure:
            self._note(self._doing, None, str(failure) or "Its process was killed.")

    @staticmethod
    def _note(name: str, report: dict[str, Any] | None, problem: str) -> None:
        if problem:
            logger.error("%s: %s", PeriodicTaskName(name).label, problem)
        PeriodicTask.objects.finish(name, report=report, problem=problem)


def _perform(task: _Task) -> tuple[dict[str, Any] | None, str]:
    try:
        return task.perform()
    finally:
        connections.close_all()  # its own; the parent has closed those it had


def _sweep_files() -> tuple[dict[str, Any], str]:
    report = upkeep.sweep_files()
    return report.to_mapping(), "" if report.is_sound else f"{report} See manage.py sweepfiles."


def _remove_expired() -> tuple[dict[str, Any], str]:
    return dict(upkeep.remove_expired()), ""


def _measure_sizes() -> tuple[dict[str, Any], str]:
    return {"measured": upkeep.measure_sizes()}, ""


def _look_at_disk() -> tuple[dict[str, Any] | None, str]:
    space = upkeep.space()
    if space is None:
        return None, ""
    left = f"{formatting.filesize(space.free)} of {formatting.filesize(space.total)} are left for pictures."
    return {"free": space.free, "total": space.total}, left if space.is_low else ""


_TASKS: Mapping[str, _Task] = {
    PeriodicTaskName.FILES: _Task(every=timedelta(days=1), perform=_sweep_files),
    PeriodicTaskName.RETENTION: _Task(every=timedelta(days=1), perform=_remove_expired),
    PeriodicTaskName.DISK: _Task(every=timedelta(minutes=10), perform=_look_at_disk),
    PeriodicTaskName.SIZES: _Task(every=timedelta(minutes=10), perform=_measure_sizes),
}
