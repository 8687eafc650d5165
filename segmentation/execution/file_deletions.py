"""A queue of files to delete. A child process deletes them, so that a slow storage does not delay heartbeats."""

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
_POLL_SECONDS = 0.01


class FileDeletionQueue:
    """A queue of files to delete that no row names any more. When a deletion fails, the daily sweep repeats it."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, Collection[str]]] = []
        self._child: Child | None = None
        self._prefix = ""

    def delete(self, prefix: str, *, keep: Collection[str] = ()) -> None:
        """Queue the deletion of everything below `prefix`, except for the folders `keep` in it."""
        self._waiting.append((prefix, keep))

    @property
    def is_empty(self) -> bool:
        return self._child is None and not self._waiting

    def tick(self) -> None:
        """Check whether the child has ended, and start the next one. There is at most one at a time."""
        if self._child is not None and self._child.poll():
            self._log_failure(self._child)
            self._child = None
        if self._child is None and self._waiting:
            self._prefix, keep = self._waiting.pop(0)
            self._child = self._start(self._prefix, keep)

    def finish(self, *, within: float) -> None:
        """Wait until all files are deleted, or until `within` seconds have passed."""
        deadline = time.monotonic() + within
        self.tick()
        while not self.is_empty and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            self.tick()

    @staticmethod
    def _start(prefix: str, keep: Collection[str]) -> Child | None:
        try:
            return fork(functools.partial(_delete, prefix, keep), allowance=_ALLOWANCE)
        except OSError as error:
            logger.warning("Files below %s stay: no resources for another process. %s", prefix, error)
            return None

    def _log_failure(self, child: Child) -> None:
        try:
            child.result()
        except (SegmentationError, ChildLost) as failure:
            logger.warning("Files below %s could not be deleted. %s", self._prefix, failure)


def _delete(prefix: str, keep: Collection[str], _report: Report) -> None:
    files.delete_prefix(prefix, keep=keep)
