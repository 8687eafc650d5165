"""Places for what is expensive: reading pictures and making large files while somebody waits for the answer.

One person has one at a time, over all connections and all processes that share the cache. There are `GMM_WEB_CHILDREN` in a
process, and those who have one and those who wait for one are never more than half of its threads: pages always have the
others.
"""

import contextlib
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextvars import ContextVar

from django.conf import settings
from django.core.cache import cache

from segmentation.engine.exceptions import Busy, gettext_noop
from segmentation.exceptions import RateLimited
from segmentation.models import User

WAIT_SECONDS = 1.0
RETRY_SECONDS = 2
_LOOK_SECONDS = 0.05
_LONGEST_SECONDS = 60  # in a place: a process that was killed keeps its person out of the others for no longer

_changed = threading.Condition()
_held_by: ContextVar[int | None] = ContextVar("held_by", default=None)  # the person whose place this request has
_working: set[int] = set()  # people in this process, by number
_waiting: Counter[int] = Counter()


@contextlib.contextmanager
def place_for(person: User) -> Iterator[None]:
    """Have one of the places, after waiting for a second at most; who has one keeps it for what is made on the way.

    Raises
    ------
    RateLimited
        When this person has one, and has had it for that second, or others of their requests wait already.
    Busy
        When all are taken, or nobody else may wait.
    """
    if _held_by.get() == person.pk:
        yield
        return
    deadline = time.monotonic() + WAIT_SECONDS
    _enter(person.pk, deadline)
    token = _held_by.set(person.pk)
    try:
        with _only_here(person.pk, deadline):
            yield
    finally:
        _held_by.reset(token)
        with _changed:
            _working.discard(person.pk)
            _changed.notify_all()


def _enter(person: int, deadline: float) -> None:
    with _changed:
        free = settings.WEB_THREADS // 2 - len(_working) - _waiting.total()
        if free <= 0:
            raise _of_one() if _waiting[person] else _of_all()
        if _waiting[person] and free == 1:
            raise _of_one()  # the last is for somebody else
        _waiting[person] += 1
        try:
            while person in _working or len(_working) >= settings.GMM_WEB_CHILDREN:
                if not _changed.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                    raise _of_one() if person in _working else _of_all()
            _working.add(person)
        finally:
            _waiting[person] -= 1
            if not _waiting[person]:
                del _waiting[person]


@contextlib.contextmanager
def _only_here(person: int, deadline: float) -> Iterator[None]:
    """Keep this person out of the places of other processes meanwhile."""
    key, token = f"place:{person}", uuid.uuid4().hex
    while not cache.add(key, token, timeout=_LONGEST_SECONDS):
        if time.monotonic() >= deadline:
            raise _of_one()
        time.sleep(_LOOK_SECONDS)
    try:
        yield
    finally:
        if cache.get(key) == token:
            cache.delete(key)


def _of_one() -> RateLimited:
    return RateLimited(
        "rate_limited",
        gettext_noop("Another of your pictures is being processed. Try again in a moment."),
        retry_after=RETRY_SECONDS,
    )


def _of_all() -> Busy:
    return Busy(
        "busy",
        gettext_noop("Many pictures are being processed right now. Try again in a moment."),
        retry_after=RETRY_SECONDS,
    )
