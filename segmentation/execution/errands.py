"""Work on files that nobody waits for, in children: a slow storage must not stop the beats."""

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


class Errands:
    """Deletions of files that have lost their row. What fails here is left to the sweep of orphans."""

    def __init__(self) -> None:
        self._waiting: list[tuple[str, Collection[str]]] = []
        self._child: Child | None = None
        self._doing = ""

    def delete(self, prefix: str, *, keep: Collection[str] = ()) -> None:
        """Have everything below `prefix` deleted soon, except for the folders `keep` in it."""
        self._waiting.append((prefix, keep))

    @property
    def are_done(self) -> bool:
        return self._child is None and not self._waiting

    def tick(self) -> None:
        """See to the child, and send the next: one at a time, since nobody waits."""
        if self._child is not None and self._child.poll():
            self._settle(self._child)
            self._child = None
        if self._child is None and self._waiting:
            self._doing, keep = self._waiting.pop(0)
            self._child = self._send(self._doing, keep)

    def finish(self, *, within: float) -> None:
        """Wait until all is done, or until `within` seconds have passed."""
        deadline = time.monotonic() + within
        self.tick()
        while not self.are_done and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
            self.tick()

    @staticmethod
    def _send(prefix: str, keep: Collection[str]) -> Child | None:
        try:
            return fork(functools.partial(_delete, prefix, keep), allowance=_ALLOWANCE)
        except OSError as error:
            logger.warning("Files below %s stay: no room for another process. %s", prefix, error)
            return None

    def _settle(self, child: Child) -> None:
        try:
            child.result()
        except (SegmentationError, ChildLost) as failure:
            logger.warning("Files below %s could not be deleted. %s", self._doing, failure)


def _delete(prefix: str, keep: Collection[str], _report: Report) -> None:
    files.delete_prefix(prefix, keep=keep)
