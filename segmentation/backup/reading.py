"""Restore a backup: check all of it, then store the files, then insert all rows in one transaction."""

import hashlib
import re
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from django.apps import apps
from django.core.management.color import no_style
from django.core.serializers.base import DeserializationError
from django.db import IntegrityError, connection, transaction
from django.db.models import Model

from segmentation import files
from segmentation.backup import layout, rows
from segmentation.backup.layout import CHUNK, FILES, INDEX, MANIFEST, ROWS, BackupError, Hashing, Manifest, Part
from segmentation.models import Image, Job, Worker

_KEY = re.compile(r"(?:images|runs)(?:/[\w-][\w.-]*){2,3}", re.ASCII)
_ROWS = re.compile(rf"{ROWS}([a-z_]+\.[a-z_]+)\.jsonl\.gz")


def restore(path: Path, *, replace: bool = False, on_bytes: Callable[[int], object] = lambda _count: None) -> Manifest:
    """Restore a site from a backup, into an empty database or, with `replace`, instead of the present rows.

    Sessions are not restored, and running jobs are queued again. Files of replaced rows are deleted by the next sweep.

    Parameters
    ----------
    on_bytes : callable
        Called with the size of each file after it was checked, and again after it was stored.

    Raises
    ------
    BackupError
        When the backup is damaged or does not fit this database; nothing is changed then.
    StorageUnavailable
        When the files cannot be stored; no row is changed then.
    """
    with path.open("rb") as file:
        try:
            manifest = _manifest(file)
            _require_fit(manifest)
            _require_quiet(replace=replace)
            _Check(manifest, on_bytes).check(file)
            _store_files(file, on_bytes)
            with transaction.atomic():
                if replace:
                    _clear()
                _load(file, manifest)
        except (tarfile.TarError, EOFError) as error:
            raise BackupError(f"The backup is damaged or cut off: {error}") from error
        except (DeserializationError, IntegrityError) as error:
            raise BackupError(f"Its rows do not fit into this database: {error}") from error
    return manifest


def _members(file: IO[bytes]) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Yield name, size and content of each member of the backup, from its beginning."""
    file.seek(0)
    with tarfile.open(fileobj=file, mode="r:") as tar:
        while (info := tar.next()) is not None:
            content = tar.extractfile(info) if info.isfile() else None
            if content is None:
                raise BackupError(f"This is no backup of GMM Studio: {info.name} is not a file.")
            yield info.name, info.size, content
            tar.members.clear()  # type: ignore[attr-defined]  # otherwise the list grows by a kilobyte for each file


def _manifest(file: IO[bytes]) -> Manifest:
    for name, _size, content in _members(file):
        if name == MANIFEST:
            return Manifest.from_json(content.read())
    raise BackupError("This is no backup of GMM Studio, or it was cut off: it has no manifest.")


# --- before anything is changed ---------------------------------------------------------------------------------------


def _require_fit(manifest: Manifest) -> None:
    here = layout.migrations()
    if not here:
        raise BackupError("This database has no tables yet. Run: python manage.py migrate")
    if here == manifest.migrations:
        return
    ours, theirs = (
        {f"{app}.{name}" for app, names in found.items() for name in names} for found in (here, manifest.migrations)
    )
    lacking, more = ", ".join(sorted(theirs - ours)) or "none", ", ".join(sorted(ours - theirs)) or "none"
    raise BackupError(
        f"The backup is of release {manifest.release}, whose tables are not those of this database (lacking here: "
        f"{lacking}; only here: {more}). Restore it with the release that made it, then update."
    )


def _require_quiet(*, replace: bool) -> None:
    if Worker.objects.alive().exists():
        raise BackupError("A worker is at work on this database. Stop the workers and the web server first.")
    if not replace and any(model._base_manager.exists() for model in layout.tables()):  # noqa: SLF001 - hides no rows
        raise BackupError("This database is not empty. With --replace, all that is in it is replaced by the backup.")


class _Check:
    """Compares the whole backup with its checksums."""

    def __init__(self, manifest: Manifest, on_bytes: Callable[[int], object]) -> None:
        self._manifest = manifest
        self._on_bytes = on_bytes
        self._seen: dict[str, Part] = {}
        self._count = self._bytes = 0
        self._has_index = False

    def check(self, file: IO[bytes]) -> None:
        with tempfile.TemporaryFile() as index:
            for name, size, content in _members(file):
                if name.startswith(FILES) and not self._has_index:
                    index.write(layout.index_line(_digest(content), _key(name)))
                    self._count, self._bytes = self._count + 1, self._bytes + size
                    self._on_bytes(size)
                elif name == INDEX:
                    self._compare(content, index)
                elif found := _ROWS.fullmatch(name):
                    self._check_rows(found[1], content, size)
                elif name != MANIFEST:
                    raise BackupError(f"The backup has a part that this release does not know: {name}.")
        if not self._has_index or self._seen != self._manifest.rows:
            raise BackupError("The backup is damaged: parts of it are missing.")

    def _compare(self, stored: IO[bytes], computed: IO[bytes]) -> None:
        computed.seek(0)
        hashing = hashlib.sha256()
        for line in stored:
            hashing.update(line)
            if computed.readline() != line:
                raise BackupError(f"The backup is damaged: {line.decode(errors='replace').split()[-1]} has changed.")
        found = Part(count=self._count, bytes=self._bytes, sha256=hashing.hexdigest())
        if found != self._manifest.files:
            raise BackupError("The backup is damaged: its list of files has changed.")
        self._has_index = True

    def _check_rows(self, label: str, content: IO[bytes], size: int) -> None:
        part = self._manifest.rows.get(label)
        if part is None or (part.bytes, part.sha256) != (size, _digest(content)):
            raise BackupError(f"The backup is damaged: the rows of {label} have changed.")
        self._seen[label] = part


def _digest(content: IO[bytes]) -> str:
    source = Hashing(content)
    while source.read(CHUNK):
        pass
    return source.sha256


def _key(name: str) -> str:
    key = name.removeprefix(FILES)
    if not _KEY.fullmatch(key):
        raise BackupError(f"The backup has a file that is none of ours: {name}.")
    return key


# --- the changes ------------------------------------------------------------------------------------------------------


def _store_files(file: IO[bytes], on_bytes: Callable[[int], object]) -> None:
    for name, size, content in _members(file):
        if name.startswith(FILES):
            _store(_key(name), size, content)
            on_bytes(size)


def _store(key: str, size: int, content: IO[bytes]) -> None:
    """Store a file unless it exists already; an altered one is replaced."""
    there = files.size(key)
    if there == size and files.sha256(key) == _digest(content):
        return
    if there is not None:
        files.delete(key)
    content.seek(0)
    # In memory: not every storage accepts a member of a tar file, and no file is larger than an upload
    files.put(key, content.read())


def _clear() -> None:
    """Empty all tables that a backup fills, with SQL, since signals would delete the files of rows that are restored."""
    with connection.cursor() as cursor:
        for table in layout.table_names():
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")  # noqa: S608 - a name from our models


def _load(file: IO[bytes], manifest: Manifest) -> None:
    for name, _size, content in _members(file):
        if found := _ROWS.fullmatch(name):
            _load_table(found[1], content, manifest.rows[found[1]].count)
    for label, keys in manifest.deleted.items():
        apps.get_model(label)._base_manager.filter(pk__in=keys).delete()  # noqa: SLF001 - hides no rows
    # Uploaded masks are not in a backup unless a run uses them; a periodic task records the sizes again.
    Image.objects.filter(masks__isnull=False).update(stored_bytes=None, masks=None)
    for lease in Job.objects.running().values_list("lease", flat=True):
        if lease is not None:
            Job.objects.requeue(lease, counted=False)
    _reset_sequences()


def _load_table(label: str, content: IO[bytes], expected: int) -> None:
    count = 0
    for row in rows.load(content):
        if isinstance(row.object, Job):
            row.object.worker = None  # workers are not in a backup
        row.save(force_insert=True)
        count += 1
    if count != expected:
        raise BackupError(f"The backup is damaged: {label} has {count} rows instead of {expected}.")


def _reset_sequences() -> None:
    """Set the sequences of ids to continue after the restored rows; SQLite needs nothing."""
    models: list[type[Model]] = list(layout.tables())
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
