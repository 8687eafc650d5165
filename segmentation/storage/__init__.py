"""Storage backends for media files. The setting STORAGES names one of them. All their errors are OSError."""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

from django.core.files.base import File


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A stored file, as a listing returns it."""

    key: str
    bytes: int
    modified: datetime  # by the clock of the storage


class Media(Protocol):
    """The methods that the application needs of a storage backend, besides those of Django's `Storage`."""

    def put(self, key: str, source: File[bytes]) -> None:
        """Store a whole file durably, or nothing at all."""

    def batch(self) -> AbstractContextManager[None]:
        """Make the files that are put inside the block durable at its end, if that is faster than one by one."""

    def open(self, name: str) -> IO[bytes]:
        """Open for reading. Bytes may be fetched while they are read."""

    def open_in_parts(self, name: str) -> IO[bytes]:
        """Open for reading parts with `seek`. Bytes that are not read are not fetched."""

    def exists(self, name: str) -> bool: ...
    def size(self, name: str) -> int: ...
    def delete(self, name: str) -> None: ...
    def get_modified_time(self, name: str) -> datetime: ...

    def delete_prefix(self, prefix: str, *, keep: Collection[str] = ()) -> None:
        """Delete everything below `prefix`, except for the folders `keep` in it; nothing there is no error."""

    def walk(self, prefix: str) -> Iterator[Stored]:
        """List all files below `prefix`, in the order of their keys folder by folder."""

    def remove_empty_folders(self, prefix: str, *, before: datetime) -> None:
        """Remove folders below `prefix` that have been empty since `before`, if the storage has folders."""

    def space_left(self) -> tuple[int, int] | None:
        """Return free and total bytes; None for unlimited storage."""

    def folder(self, name: str) -> Path | None:
        """Return a local folder inside the storage, which is created if missing; None if the storage is not on this machine."""

    def preload(self) -> None:
        """Load now what the first use would load. It opens no connection, so that the process can fork afterwards."""
