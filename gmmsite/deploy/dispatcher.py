"""Dispatch requests to threads in round-robin order of the clients, so that no client delays the others."""

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Protocol

logger = logging.getLogger(__name__)


class QueuedRequest(Protocol):
    """A request that was received completely. The channels of waitress have these methods."""

    def service(self) -> None:
        """Answer the request."""

    def cancel(self) -> None:
        """Drop the request."""

    @property
    def client(self) -> Hashable:
        """The key of the client."""


class FairDispatcher:
    """Threads that answer requests in rounds: in each round, one request of every waiting client.

    A client holds at most `most_of_one` threads, over all its connections.
    """

    def __init__(self, *, threads: int, most_of_one: int) -> None:
        self._most_of_one = most_of_one
        self._changed = threading.Condition()
        self._waiting: OrderedDict[Hashable, deque[QueuedRequest]] = OrderedDict()  # the first client is served next
        self._busy: dict[Hashable, int] = {}  # number of threads by client
        self._stopping = False
        self._threads = [threading.Thread(target=self._work, name=f"web-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being answered or waits."""
        with self._changed:
            return not self._busy and not self._waiting

    def add_task(self, task: QueuedRequest) -> None:
        """Queue a request (waitress calls this)."""
        with self._changed:
            self._waiting.setdefault(task.client, deque()).append(task)
            self._changed.notify()

    def shutdown(self, cancel_pending: bool = True, timeout: float = 5) -> bool:  # noqa: FBT001, FBT002 - waitress' signature
        """End the threads after their present requests, waiting at most `timeout` seconds, and drop waiting requests."""
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
            client, task = taken
            try:
                task.service()
            except BaseException:  # the thread must survive whatever one request raises
                logger.exception("A request could not be answered.")
            finally:
                self._done(client)

    def _take(self) -> tuple[Hashable, QueuedRequest] | None:
        """Wait for the next request that may be served, and return it with its client; None after `shutdown`."""
        with self._changed:
            while True:
                client = next((key for key in self._waiting if self._busy.get(key, 0) < self._most_of_one), None)
                if client is not None:
                    break
                if self._stopping:
                    return None
                self._changed.wait()
            queue = self._waiting[client]
            task = queue.popleft()
            if queue:
                self._waiting.move_to_end(client)
            else:
                del self._waiting[client]
            self._busy[client] = self._busy.get(client, 0) + 1
            return client, task

    def _done(self, client: Hashable) -> None:
        with self._changed:
            self._busy[client] -= 1
            if not self._busy[client]:
                del self._busy[client]
            self._changed.notify()  # another request of this client may be served now
