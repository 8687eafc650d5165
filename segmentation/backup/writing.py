"""Write a backup while the site runs: a snapshot of the rows, then the files that they name.

Files are never changed after they were written, so the files of the snapshot are still valid when they are copied. A missing file
belongs to a row that was deleted meanwhile; the manifest lists that row, and `restore` leaves it out.
"""

import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from django.db.models import Model

import segmentation
from segmentation import files
from segmentation.backup import layout, rows
from segmentation.backup.layout import FILES, INDEX, MANIFEST, ROWS, Hashing, Manifest, Part
from segmentation.exceptions import StorageUnavailable
from segmentation.models import Image, Run
from segmentation.storage.local import flush
from segmentation.upkeep import KeyList
from segmentation.upkeep.row_files import IMAGES, RUNS, TableWithFiles

_TABLES: dict[str, TableWithFiles] = {layout.label(Image): IMAGES, layout.label(Run): RUNS}


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupResult:
    """The manifest of a written backup, and the files that are missing from the storage of the site."""

    manifest: Manifest
    missing: KeyList = field(default_factory=KeyList)  # files that rows name and that do not exist


def write(path: Path, *, on_bytes: Callable[[int], object] = lambda _count: None) -> BackupResult:
    """Write a backup of the whole site to `path`. An existing file is replaced after the backup is complete.

    Parameters
    ----------
    on_bytes : callable
        Called with the size of each file after it was copied.

    Raises
    ------
    OSError
        When the backup cannot be written.
    StorageUnavailable
        When the storage does not answer.
    """
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=path.parent) as scratch:
        writer = _Writer(Path(scratch), on_bytes)
        draft = Path(scratch) / "backup"
        draft.touch(mode=0o600)  # the backup holds private pictures and hashes of passwords
        with draft.open("wb") as target:
            written = writer.write(target)
            target.flush()
            os.fsync(target.fileno())
        draft.rename(path)
    flush(path.parent)
    return written


class _Writer:
    def __init__(self, scratch: Path, on_bytes: Callable[[int], object]) -> None:
        self._scratch = scratch
        self._on_bytes = on_bytes
        self._file_list = scratch / "named"  # a line for each file: table, row, key
        self._index = scratch / INDEX
        self._created = datetime.now(tz=UTC)
        self._deleted: dict[str, list[str]] = {}
        self._missing = KeyList()

    def write(self, target: IO[bytes]) -> BackupResult:
        with rows.snapshot():
            migrations = layout.migrations()
            parts = {layout.label(model): self._spool(model) for model in layout.tables()}
            self._list_files()
        with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
            copied = self._copy_files(tar)
            self._add(tar, INDEX, self._index)
            for label in parts:
                self._add(tar, f"{ROWS}{label}.jsonl.gz", self._scratch / label)
            manifest = Manifest(
                release=segmentation.__version__,
                created=self._created.isoformat(timespec="seconds"),
                migrations=migrations,
                files=copied,
                rows=parts,
                deleted=self._deleted,
            )
            (self._scratch / MANIFEST).write_bytes(manifest.to_json())
            self._add(tar, MANIFEST, self._scratch / MANIFEST)
        return BackupResult(manifest=manifest, missing=self._missing)

    def _spool(self, model: type[Model]) -> Part:
        with (self._scratch / layout.label(model)).open("wb") as file:
            hashing = Hashing(file)
            count = rows.dump(model, hashing)
        return Part(count=count, bytes=hashing.bytes, sha256=hashing.sha256)

    def _list_files(self) -> None:
        with self._file_list.open("w", encoding="utf-8") as named:
            for label, table in _TABLES.items():
                for row in table.each():
                    named.writelines(f"{label} {row.id} {key}\n" for key in row.masters)

    def _copy_files(self, tar: tarfile.TarFile) -> Part:
        count = size = 0
        with self._index.open("wb") as target:
            index = Hashing(target)
            for key, file, length in self._found():
                with file:
                    source = Hashing(file)
                    self._add_stream(tar, f"{FILES}{key}", source, length)
                index.write(layout.index_line(source.sha256, key))
                count, size = count + 1, size + length
                self._on_bytes(length)
        return Part(count=count, bytes=size, sha256=index.sha256)

    def _found(self) -> Iterator[tuple[str, IO[bytes], int]]:
        with self._file_list.open(encoding="utf-8") as named:
            for line in named:
                label, row, key = line.split()
                opened = _open(key)
                if opened is not None:
                    yield key, *opened
                elif _TABLES[label].rows().filter(pk=row).exists():
                    self._missing.add(key)
                elif row not in (gone := self._deleted.setdefault(label, [])):
                    gone.append(row)

    def _add(self, tar: tarfile.TarFile, name: str, path: Path) -> None:
        with path.open("rb") as file:
            self._add_stream(tar, name, file, path.stat().st_size)

    def _add_stream(self, tar: tarfile.TarFile, name: str, file: "IO[bytes] | Hashing", size: int) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = size, int(self._created.timestamp()), 0o600
        tar.addfile(info, file)
        tar.members.clear()  # type: ignore[attr-defined]  # otherwise the list grows by a kilobyte for each file


def _open(key: str) -> tuple[IO[bytes], int] | None:
    """Open a file; return it with its size, or None if it does not exist."""
    size = files.size(key)
    if size is None:
        return None
    try:
        return files.open_file(key), size
    except StorageUnavailable:
        if files.size(key) is None:
            return None
        raise
