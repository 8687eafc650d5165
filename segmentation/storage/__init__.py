"""Where media is kept: the setting STORAGES names one of these classes, and whatever goes wrong in them is an OSError."""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

from django.core.files.base import File


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A file as the storage lists it."""

    key: str
    bytes: int
    modified: datetime  # by the storage's clock


class Media(Protocol):
    """What the application asks of a storage besides what Django does."""

    def put(self, key: str, source: File[bytes]) -> None:
        """Store a whole file durably, or nothing at all."""

    def together(self) -> AbstractContextManager[None]:
        """Let what is put within be durable at the end only, when that is cheaper."""

    def open(self, name: str) -> IO[bytes]:
        """Open for reading; bytes may be fetched as they are read."""

    def open_in_parts(self, name: str) -> IO[bytes]:
        """Open for reading after `seek`; bytes that are not read are not fetched."""

    def exists(self, name: str) -> bool: ...
    def size(self, name: str) -> int: ...
    def delete(self, name: str) -> None: ...
    def get_modified_time(self, name: str) -> datetime: ...

    def delete_prefix(self, prefix: str, *, keep: Collection[str] = ()) -> None:
        """Delete everything below `prefix`, except for the folders `keep` in it; what is gone already is no error."""

    def walk(self, prefix: str) -> Iterator[Stored]:
        """List everything below `prefix`, folder after folder in the order of their names."""

    def remove_empty_folders(self, prefix: str, *, before: datetime) -> None:
        """Remove folders below `prefix` that have held nothing since `before`, when there are folders at all."""

    def space_left(self) -> tuple[int, int] | None:
        """Return free and total bytes; None when there is no end."""

    def folder(self, name: str) -> Path | None:
        """Return a folder of this machine inside the storage, made when it is not there; None when it is elsewhere."""

    def warm(self) -> None:
        """Load now what the first use would load; without talking to anybody, so that a fork may follow."""
