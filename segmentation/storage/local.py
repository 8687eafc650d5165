"""Files on this machine, or on a disk that several share."""

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

_waiting: ContextVar[list[Path] | None] = ContextVar("waiting", default=None)  # to be flushed together


class LocalMedia(FileSystemStorage):
    """Django's files, written so that a crash leaves a whole file or none."""

    def put(self, key: str, source: File[bytes]) -> None:
        """Write beside the place, flush to the disk, then rename; `together`, all are flushed at the end."""
        path, waiting = Path(self.path(key)), _waiting.get()
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            with draft.open("xb") as target:
                for chunk in source.chunks():
                    target.write(chunk)
                if waiting is None:
                    target.flush()
                    os.fsync(target.fileno())
            draft.rename(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        if waiting is None:
            flush(path.parent)
        else:
            waiting.append(path)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """The journal of the file system is written once, and the folder once."""
        paths: list[Path] = []
        token = _waiting.set(paths)
        try:
            yield
        finally:
            _waiting.reset(token)
        for path in (*paths, *{path.parent for path in paths}):
            flush(path)

    def open_in_parts(self, name: str) -> IO[bytes]:
        return self.open(name)

    def delete_prefix(self, prefix: str, *, keep: Collection[str] = ()) -> None:
        """Delete folder by folder, and the folders that are empty then."""
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
        location = Path(self.location)  # before the first picture it may still have to be made
        usage = shutil.disk_usage(next(folder for folder in (location, *location.parents) if folder.exists()))
        return usage.free, usage.total

    def folder(self, name: str) -> Path | None:
        folder = Path(self.path(name))
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def warm(self) -> None:
        """Nothing to load."""


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
                continue  # deleted meanwhile, or a draft that was renamed
            yield Stored(key=key, bytes=status.st_size, modified=datetime.fromtimestamp(status.st_mtime, tz=UTC))


def flush(path: Path) -> None:
    """Make the bytes of a file durable, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # somebody has put a file there meanwhile, or it is gone
