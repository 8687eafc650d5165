"""The storage backend for a local or shared file system."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Collection, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage

from segmentation.storage import Stored

# Files to flush at the end of a batch
_unflushed: ContextVar[list[Path] | None] = ContextVar("unflushed", default=None)


class LocalMedia(FileSystemStorage):
    """Django's file system storage, with writes that are atomic and durable."""

    def put(self, key: str, source: File[bytes]) -> None:
        """Write to a temporary file, flush it to the disk, then rename it. In a `batch`, files are flushed at its end."""
        path, unflushed = Path(self.path(key)), _unflushed.get()
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            with temporary.open("xb") as target:
                for chunk in source.chunks():
                    target.write(chunk)
                if unflushed is None:
                    target.flush()
                    os.fsync(target.fileno())
            temporary.rename(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        if unflushed is None:
            flush(path.parent)
        else:
            unflushed.append(path)

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """Flush all files at the end of the block: the journal of the file system is then written once."""
        paths: list[Path] = []
        token = _unflushed.set(paths)
        try:
            yield
        finally:
            _unflushed.reset(token)
        for path in (*paths, *{path.parent for path in paths}):
            flush(path)

    def open_in_parts(self, name: str) -> IO[bytes]:
        return self.open(name)

    def delete_prefix(self, prefix: str, *, keep: Collection[str] = ()) -> None:
        """Delete all files below a folder, and the folders that are empty afterwards."""
        try:
            folders, names = self.listdir(prefix)
        except (FileNotFoundError, NotADirectoryError):
            return
        for folder in folders:
            if folder not in keep:
                self.delete_prefix(f"{prefix}/{folder}")
        for name in names:
            self.delete(f"{prefix}/{name}")
        _remove_empty(Path(self.path(prefix)))

    def walk(self, prefix: str) -> Iterator[Stored]:
        return _walk(Path(self.path(prefix)), prefix)

    def remove_empty_folders(self, prefix: str, *, before: datetime) -> None:
        top = self.path(prefix)
        for path, _folders, _names in os.walk(top, topdown=False):
            if path != top and Path(path).stat().st_mtime < before.timestamp():
                _remove_empty(Path(path))

    def space_left(self) -> tuple[int, int] | None:
        location = Path(self.location)  # the folder may not exist before the first picture
        usage = shutil.disk_usage(next(folder for folder in (location, *location.parents) if folder.exists()))
        return usage.free, usage.total

    def folder(self, name: str) -> Path | None:
        folder = Path(self.path(name))
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def preload(self) -> None:
        """Do nothing; there is nothing to load."""


def _walk(folder: Path, prefix: str) -> Iterator[Stored]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        key = f"{prefix}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(folder / entry.name, key)
        else:
            try:
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue  # deleted meanwhile, or a temporary file that was renamed
            yield Stored(key=key, bytes=status.st_size, modified=datetime.fromtimestamp(status.st_mtime, tz=UTC))


def flush(path: Path) -> None:
    """Flush a file, or the entries of a folder, to the disk (fsync)."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # it is not empty, or does not exist
