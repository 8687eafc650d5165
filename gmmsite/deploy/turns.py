"""Who is served next: people take turns, so that nobody's requests wait behind all of somebody else's."""

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Protocol

logger = logging.getLogger(__name__)


class Task(Protocol):
    """A request that has arrived whole; waitress' channels are such."""

    def service(self) -> None:
        """Answer it."""

    def cancel(self) -> None:
        """Forget it."""

    @property
    def asker(self) -> Hashable:
        """Who asks."""


class FairDispatcher:
    """Threads that answer requests, round by round: each round serves one request of everybody who waits.

    One person holds at most `most_of_one` threads, over all their connections.
    """

    def __init__(self, *, threads: int, most_of_one: int) -> None:
        self._most_of_one = most_of_one
        self._changed = threading.Condition()
        self._waiting: OrderedDict[Hashable, deque[Task]] = OrderedDict()  # the first is the next to be served
        self._busy: dict[Hashable, int] = {}  # threads by who has them
        self._stopping = False
        self._threads = [threading.Thread(target=self._work, name=f"web-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being answered or waits."""
        with self._changed:
            return not self._busy and not self._waiting

    def add_task(self, task: Task) -> None:
        """Queue a request (waitress calls this)."""
        with self._changed:
            self._waiting.setdefault(task.asker, deque()).append(task)
            self._changed.notify()

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:  # noqa: FBT001, FBT002 - waitress' signature
        """Let threads end after what they do, for at most `timeout` seconds, and forget what waits."""
        deadline = time.monotonic() + timeout
        with self._changed:
            self._stopping = True
            waiting = [task for queue in self._waiting.values() for task in queue]
            if cancel_pending:
                self._waiting.clear()
            self._changed.notify_all()
        for task in waiting if cancel_pending else ():
            task.cancel()
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return bool(waiting) and cancel_pending

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            asker, task = taken
            try:
                task.service()
            except BaseException:
                logger.exception("A request could not be answered.")
            finally:
                self._done(asker)

    def _take(self) -> tuple[Hashable, Task] | None:
        """Wait for the next request that may be served; None at the end."""
        with self._changed:
            while True:
                asker = next((who for who in self._waiting if self._busy.get(who, 0) < self._most_of_one), None)
                if asker is not None:
                    break
                if self._stopping:
                    return None
                self._changed.wait()
            queue = self._waiting[asker]
            task = queue.popleft()
            if queue:
                self._waiting.move_to_end(asker)
            else:
                del self._waiting[asker]
            self._busy[asker] = self._busy.get(asker, 0) + 1
            return asker, task

    def _done(self, asker: Hashable) -> None:
        with self._changed:
            self._busy[asker] -= 1
            if not self._busy[asker]:
                del self._busy[asker]
            self._changed.notify()  # one more of theirs may be served now
