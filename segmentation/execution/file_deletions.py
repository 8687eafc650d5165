"""The queue of files to delete. Children delete them: a slow storage must not stop the heartbeats."""

import functools
import logging
import time
from collections.abc import Collection

from segmentation import files
from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.sandbox import Allowance, Child, ChildLost, Report
from segmentation.execution.forking import fork

logger = logging.getLogger(__name__)

_ALLOWANCE = Allowance(memory=500_000_000, seconds=300.0)
_LOOK_SECONDS = 0.01


class FileDeletionQueue:
    """A queue of files to delete that have lost their row. What fails here is left to the sweep of orphans."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, Collection[str]]] = []
        self._child: Child | None = None
        self._prefix = ""

    def delete(self, prefix: str, *, keep: Collection[str] = ()) -> None:
        """Have everything below `prefix` deleted soon, except for the folders `keep` in it."""
        self._waiting.append((prefix, keep))

    @property
    def is_empty(self) -> bool:
        return self._child is None and not self._waiting

    def tick(self) -> None:
        """Check the child and start the next one: one at a time, since nobody waits."""
        if self._child is not None and self._child.poll():
            self._settle(self._child)
            self._child = None
        if self._child is None and self._waiting:
            self._prefix, keep = self._waiting.pop(0)
            self._child = self._start(self._prefix, keep)

    def finish(self, *, within: float) -> None:
        """Wait until all files are deleted, or until `within` seconds have passed."""
        deadline = time.monotonic() + within
        self.tick()
        while not self.is_empty and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
            self.tick()

    @staticmethod
    def _start(prefix: str, keep: Collection[str]) -> Child | None:
        try:
            return fork(functools.partial(_delete, prefix, keep), allowance=_ALLOWANCE)
        except OSError as error:
            logger.warning("Files below %s stay: no room for another process. %s", prefix, error)
            return None

    def _settle(self, child: Child) -> None:
        try:
            child.result()
        except (SegmentationError, ChildLost) as failure:
            logger.warning("Files below %s could not be deleted. %s", self._prefix, failure)


def _delete(prefix: str, keep: Collection[str], _report: Report) -> None:
    files.delete_prefix(prefix, keep=keep)
