"""The cache of files that are made when they are first requested.

No quota counts these files and no backup holds them. `GMM_CACHE_BYTES` limits their total size, and a fraction of it the size
of one person's files. The least recently used files are deleted first.
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
from segmentation.services.processing_slots import RETRY_SECONDS, processing_slot

logger = logging.getLogger(__name__)

SHARES = 4
"""One person's files take at most this fraction (1/4) of the cache, so that nobody can fill it alone."""

_WAIT_SECONDS = 1.0  # for another request that is making the same file


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
    """Return the file `name` of an image or run, open for reading at its beginning; it is made when it is missing.

    Simultaneous requests in one process make the file once. Several processes may each make it; only one of the files is
    kept. A file that cannot be stored is returned, too.

    Parameters
    ----------
    make : callable
        Returns the content: bytes, or an open seekable file, which this function closes or returns.
    version : int
        The version of what the content depends on besides the image or run, such as the number of a revision. A file of
        another version is replaced.
    in_parts : bool
        Whether the caller reads only parts of the file, after `seek`: an object store then sends no more than those.
    actor : User or None
        The person whose processing slot is used; None means the owner.
    is_cheap : bool
        Whether it is made in a few milliseconds, so that no processing slot is needed.

    Raises
    ------
    RateLimited, Busy
        When there is no processing slot, or another request is making the same file.
    StorageUnavailable
        When the file is stored but cannot be read.
    SegmentationError
        Whatever `make` raises.
    """
    found = _opened(thing, name, version, in_parts=in_parts)
    if found is not None:
        return found
    slot = contextlib.nullcontext() if is_cheap else processing_slot(actor or _owner(thing))
    with slot, _one_at_a_time(f"{thing.pk}/{name}/{version}"):
        found = _opened(thing, name, version, in_parts=in_parts)
        return _made(thing, name, version, make) if found is None else found


def has_cached_file(*, thing: Image | Run, name: str, version: int = 0) -> bool:
    """Return whether the cache has a file of this name and version."""
    return CachedFile.objects.of(thing).filter(name=name, version=version).exists()


def _opened(thing: Image | Run, name: str, version: int, *, in_parts: bool) -> IO[bytes] | None:
    row = CachedFile.objects.of(thing).filter(name=name, version=version).first()
    if row is None:
        return None
    file = files.open_existing(row.key, in_parts=in_parts)
    if file is None:
        row.delete()  # the file was removed; it is made again
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
    """Store a new file and delete older versions, unless it is too large for the cache."""
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
    except IntegrityError:  # another process has stored the same file meanwhile
        files.delete_prefix(files.cache_prefix(row.pk))
    else:
        _make_room(of_owner, for_bytes=0)  # other processes may have stored files at the same moment


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


# --- locks for files that are being made ---

_guard = threading.Lock()
_waiting: Counter[str] = Counter()
_locks: dict[str, threading.Lock] = {}


@contextlib.contextmanager
def _one_at_a_time(what: str) -> Iterator[None]:
    """Hold the lock named `what`, which one thread of this process can hold at a time."""
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
