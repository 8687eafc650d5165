"""Files that are made when somebody first asks for them, and kept as long as there is room.

They stand beside what people have stored: no quota counts them, no backup holds them. `GMM_CACHE_BYTES` limits them all
together, and a part of it those of one person. What was used longest ago makes room for what is new.
"""

import contextlib
import io
import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import IO

from django.conf import settings
from django.core.files.base import File
from django.db import IntegrityError, transaction

from segmentation import files
from segmentation.engine.exceptions import Busy, gettext_noop
from segmentation.exceptions import StorageUnavailable
from segmentation.models import CachedFile, Image, Run, User
from segmentation.models.cached_files import CachedFileQuerySet
from segmentation.services.places import RETRY_SECONDS, place_for

logger = logging.getLogger(__name__)

SHARES = 4
"""One person's files take at most one of so many parts of the room, so that nobody can take it from everybody."""

_WAIT_SECONDS = 1.0  # for somebody else who makes the same file


def cached_file(
    *,
    thing: Image | Run,
    name: str,
    make: Callable[[], bytes | File[bytes]],
    version: int = 0,
    in_parts: bool = False,
    actor: User | None = None,
    is_cheap: bool = False,
) -> IO[bytes]:
    """Return the file `name` of an image or run, open for reading at its beginning; it is made when it is not there.

    Requests of one process that ask for it at the same moment make it once. Of several processes each may make it; one
    file is kept. A file that cannot be stored is returned all the same.

    Parameters
    ----------
    make : callable
        Returns the content: bytes, or an open file that can be read and sought, which then belongs to this function.
    version : int
        Of what the content depends on besides the image or run, as the number of a revision. A file of another version is
        replaced.
    in_parts : bool
        Whether only parts of it will be read, after `seek`: an object store then sends no more than those.
    actor : User or None
        Whose place it is made in; None means the owner's.
    is_cheap : bool
        Whether it is made in some milliseconds, and needs no place.

    Raises
    ------
    RateLimited, Busy
        When there is no place to make it in, or another request is making the same file.
    StorageUnavailable
        When it is stored but cannot be read.
    SegmentationError
        As `make` raises it.
    """
    found = _opened(thing, name, version, in_parts=in_parts)
    if found is not None:
        return found
    place = contextlib.nullcontext() if is_cheap else place_for(actor or _owner(thing))
    with place, _alone(f"{thing.pk}/{name}/{version}"):
        found = _opened(thing, name, version, in_parts=in_parts)
        return _made(thing, name, version, make) if found is None else found


def has_cached_file(*, thing: Image | Run, name: str, version: int = 0) -> bool:
    """Return whether `cached_file` would find it made, unless it is lost."""
    return CachedFile.objects.of(thing).filter(name=name, version=version).exists()


def _opened(thing: Image | Run, name: str, version: int, *, in_parts: bool) -> IO[bytes] | None:
    row = CachedFile.objects.of(thing).filter(name=name, version=version).first()
    if row is None:
        return None
    file = files.open_existing(row.key, in_parts=in_parts)
    if file is None:
        row.delete()  # somebody has removed the file; it is made again
        return None
    row.note_use()
    return file


def _made(thing: Image | Run, name: str, version: int, make: Callable[[], bytes | File[bytes]]) -> IO[bytes]:
    content = make()
    source = File(io.BytesIO(content), name) if isinstance(content, bytes) else content
    image_id, run = (thing.pk, None) if isinstance(thing, Image) else (thing.image_id, thing)
    row = CachedFile(image_id=image_id, run=run, name=name, version=version, bytes=source.size)
    try:
        _keep(row, thing, source)
    except StorageUnavailable as error:
        logger.warning("A file that was made is not kept. %s", error)
    source.seek(0)
    return source


def _keep(row: CachedFile, thing: Image | Run, source: File[bytes]) -> None:
    """Store a new file where it fits at all, in the place of an older version."""
    if row.bytes > settings.GMM_CACHE_BYTES // SHARES:
        return
    _remove(CachedFile.objects.of(thing).filter(name=row.name).exclude(version=row.version))
    of_owner = CachedFile.objects.filter(image__owner=_owner_id(thing))
    _make_room(of_owner, for_bytes=row.bytes)
    source.seek(0)
    files.put(row.key, source)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:  # another process has made the same meanwhile
        files.delete_prefix(files.cache_prefix(row.pk))
    else:
        _make_room(of_owner, for_bytes=0)  # for what others have stored at the same moment


def _make_room(of_owner: CachedFileQuerySet, *, for_bytes: int) -> None:
    limit = settings.GMM_CACHE_BYTES
    for cached, most in ((of_owner, limit // SHARES), (CachedFile.objects.all(), limit)):
        excess = cached.total_bytes() + for_bytes - most
        for row in cached.order_by("used", "pk").iterator() if excess > 0 else ():
            if excess <= 0:
                break
            row.delete()
            excess -= row.bytes


def _remove(cached: CachedFileQuerySet) -> None:
    for row in cached:
        row.delete()


def _owner(thing: Image | Run) -> User:
    return thing.owner if isinstance(thing, Image) else thing.job.owner


def _owner_id(thing: Image | Run) -> int:
    return thing.owner_id if isinstance(thing, Image) else thing.image.owner_id


# --- one at a time ---

_guard = threading.Lock()
_waiting: Counter[str] = Counter()
_locks: dict[str, threading.Lock] = {}


@contextlib.contextmanager
def _alone(what: str) -> Iterator[None]:
    """Let one thread of this process at a time go on with `what`."""
    with _guard:
        lock = _locks.setdefault(what, threading.Lock())
        _waiting[what] += 1
    try:
        if not lock.acquire(timeout=_WAIT_SECONDS):
            raise Busy(
                "busy",
                gettext_noop("This is already being computed. Try again in a moment."),
                retry_after=RETRY_SECONDS,
            )
        try:
            yield
        finally:
            lock.release()
    finally:
        with _guard:
            _waiting[what] -= 1
            if not _waiting[what]:
                del _waiting[what], _locks[what]
