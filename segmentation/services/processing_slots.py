"""Processing slots, which limit expensive work in web requests: decoding pictures and making large files.

A person holds at most one slot at a time, in all processes that share the cache. A process has `GMM_WEB_CHILDREN` slots. At
most half of its threads hold a slot or wait for one; the other threads stay free for pages.
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
_POLL_SECONDS = 0.05
_LONGEST_SECONDS = 60  # after which the slot of a killed process is free again for its person

_changed = threading.Condition()
_held_by: ContextVar[int | None] = ContextVar("held_by", default=None)  # the person whose slot this request holds
_working: set[int] = set()  # ids of the people who hold a slot of this process
_waiting: Counter[int] = Counter()  # requests that wait for a slot, by id of the person


@contextlib.contextmanager
def processing_slot(person: User) -> Iterator[None]:
    """Hold a processing slot, after waiting for at most `WAIT_SECONDS`. Calls inside the block use the same slot.

    Raises
    ------
    RateLimited
        When another request of this person holds a slot and does not release it in time, or waits already.
    Busy
        When all slots are taken and none becomes free in time, or too many requests wait.
    """
    if _held_by.get() == person.pk:
        yield
        return
    deadline = time.monotonic() + WAIT_SECONDS
    _enter(person.pk, deadline)
    token = _held_by.set(person.pk)
    try:
        with _only_process(person.pk, deadline):
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
            raise _person_is_busy() if _waiting[person] else _site_is_busy()
        if _waiting[person] and free == 1:
            raise _person_is_busy()  # the last waiting thread is kept for another person
        _waiting[person] += 1
        try:
            while person in _working or len(_working) >= settings.GMM_WEB_CHILDREN:
                if not _changed.wait(max(0.0, deadline - time.monotonic())) and time.monotonic() >= deadline:
                    raise _person_is_busy() if person in _working else _site_is_busy()
            _working.add(person)
        finally:
            _waiting[person] -= 1
            if not _waiting[person]:
                del _waiting[person]


@contextlib.contextmanager
def _only_process(person: int, deadline: float) -> Iterator[None]:
    """Keep this person from getting a slot of another process, by a key in the shared cache."""
    key, token = f"processing-slot:{person}", uuid.uuid4().hex
    while not cache.add(key, token, timeout=_LONGEST_SECONDS):
        if time.monotonic() >= deadline:
            raise _person_is_busy()
        time.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        if cache.get(key) == token:
            cache.delete(key)


def _person_is_busy() -> RateLimited:
    return RateLimited(
        "rate_limited",
        gettext_noop("Another of your pictures is being processed. Try again in a moment."),
        retry_after=RETRY_SECONDS,
    )


def _site_is_busy() -> Busy:
    return Busy(
        "busy",
        gettext_noop("Many pictures are being processed right now. Try again in a moment."),
        retry_after=RETRY_SECONDS,
    )
