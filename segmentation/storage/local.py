"""Files on this machine, or on a disk that several share."""

import os
import uuid
from pathlib import Path

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage


class LocalMedia(FileSystemStorage):
    """Django's files, written so that a crash leaves a whole file or none."""

    def put(self, key: str, source: File[bytes]) -> None:
        """Write beside the place, flush to the disk, then rename."""
        path = Path(self.path(key))
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
        try:
            with draft.open("xb") as target:
                for chunk in source.chunks():
                    target.write(chunk)
                target.flush()
                os.fsync(target.fileno())
            draft.rename(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        _flush_folder(path.parent)

    def delete_prefix(self, prefix: str, *, keep: str = "") -> None:
        """Delete folder by folder, and the folders that are empty then."""
        try:
            folders, names = self.listdir(prefix)
        except (FileNotFoundError, NotADirectoryError):
            return
        for folder in folders:
            if folder != keep:
                self.delete_prefix(f"{prefix}/{folder}")
        for name in names:
            self.delete(f"{prefix}/{name}")
        _remove_empty(Path(self.path(prefix)))

    def warm(self) -> None:
        """Nothing to load."""


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return  # somebody has put a file there meanwhile, or it is gone
