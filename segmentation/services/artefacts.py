"""Open the artefacts of a result: the files that `engine.artefacts` can make from it.

Some are stored with the run, some are kept in the cache after they were made once, and some are made for each request. Those
that need much time or memory are made in a child process with limits.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.files.base import File

from segmentation import files
from segmentation.engine import pipeline, sandbox
from segmentation.engine.artefacts import ARTEFACTS, Artefact, Dependency
from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.models import Run, User
from segmentation.results import StoredResult, stored_result
from segmentation.services.caching import cached_file, has_cached_file
from segmentation.services.tiles import copy_of, picture_tiles
from segmentation.services.uploads import DECODE_SECONDS

_SMALL = 1_000_000  # pixels; the artefacts of smaller pictures are made without a processing slot


def open_artefact(
    *, run: Run, name: str, part: int | None = None, palette: str = "", actor: User | None = None
) -> bytes | IO[bytes]:
    """Return an artefact of the run's current revision: its bytes, or the file open for reading.

    Parameters
    ----------
    part : int or None
        The number of the part, for an artefact that has parts.
    palette : str
        The name of another palette for a palette PNG; empty for its own colours.
    actor : User or None
        The person whose processing slot is used; None means the owner.

    Raises
    ------
    SegmentationError
        With `not_found` when this result has no such artefact; also whatever the sandbox raises.
    Conflict
        With `state_conflict` when the run has no result.
    RateLimited, Busy
        When there is no processing slot to make it in.
    """
    artefact, stored = find_artefact(run=run, name=name, part=part)
    if not artefact.is_cached(stored):
        return artefact.make(stored, part=part, palette=palette)
    file = _kept_file(artefact, stored, part, actor)
    if not palette:
        return file
    with file:
        return artefact.recoloured(file.read(), stored, palette)


def find_artefact(*, run: Run, name: str, part: int | None = None) -> tuple[Artefact, StoredResult]:
    """Return an artefact by name, and the result that it is made from.

    Raises
    ------
    SegmentationError
        With `not_found` when this result has no such artefact.
    Conflict
        With `state_conflict` when the run has no result.
    """
    stored, artefact = stored_result(run=run), ARTEFACTS[name]
    parts = artefact.parts(stored) if artefact.available(stored) else None
    if parts is None or (part not in parts if artefact.parts_folder else part is not None):
        raise SegmentationError("not_found", gettext_noop("There is no such file of this result."))
    return artefact, stored


def available_artefacts(*, run: Run) -> list[Artefact]:
    """Return the artefacts that can be made from a result, have a URL and have no parts."""
    stored = stored_result(run=run)
    return [
        artefact
        for artefact in ARTEFACTS.values()
        if artefact.has_address and not artefact.parts_folder and artefact.available(stored)
    ]


def has_artefact(*, run: Run, name: str) -> bool:
    """Return whether an artefact of the current revision is in the cache."""
    artefact, stored = find_artefact(run=run, name=name)
    return has_cached_file(thing=run, name=artefact.file_name(), version=artefact.version(stored))


def _kept_file(artefact: Artefact, stored: StoredResult, part: int | None, actor: User | None) -> IO[bytes]:
    name = artefact.file_name(part)
    stored_file = stored.result.files.get(name)
    if stored_file is not None and artefact.is_kept_by_run and artefact.is_initial(stored):
        return files.open_file(stored_file["key"])

    def make() -> bytes | File[bytes]:
        return _in_child(artefact, stored, part, actor) if artefact.is_expensive else artefact.make(stored, part=part)

    return cached_file(
        thing=stored.run,
        name=name,
        version=artefact.version(stored),
        make=make,
        actor=actor,
        is_cheap=not artefact.is_expensive and stored.run.image.width * stored.run.image.height <= _SMALL,
    )


def _in_child(artefact: Artefact, stored: StoredResult, part: int | None, actor: User | None) -> File[bytes]:
    """Return an open temporary file with the artefact, which a child process with limits has written."""
    file = tempfile.NamedTemporaryFile(dir=files.incoming_folder())  # noqa: SIM115 - the caller closes it
    try:
        with _tiles_for(artefact, stored, actor) as tiles:
            fit = stored.fit if Dependency.FIT in artefact.depends_on else {}
            source = pipeline.SpooledSource.of(stored, fit=fit, tiles=tiles)
            allowance = sandbox.Allowance(memory=settings.GMM_RUN_MEMORY, seconds=DECODE_SECONDS)
            sandbox.call(pipeline.write_artefact, artefact.name, source, part, Path(file.name), allowance=allowance)
    except BaseException:
        file.close()
        raise
    return File(file)


@contextlib.contextmanager
def _tiles_for(artefact: Artefact, stored: StoredResult, actor: User | None) -> Iterator[Path | None]:
    """Give the path of a copy of the picture's tiles, or None for an artefact that does not depend on the picture."""
    if Dependency.ORIGINAL not in artefact.depends_on:
        yield None
        return
    with picture_tiles(stored.run.image, stored.inputs.reading, actor) as picture, copy_of(picture) as path:
        yield path
