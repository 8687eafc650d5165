"""Where media is kept: the setting STORAGES names one of these classes, and whatever goes wrong in them is an OSError."""

from typing import IO, Protocol

from django.core.files.base import File


class Media(Protocol):
    """What the application asks of a storage besides what Django does."""

    def put(self, key: str, source: File[bytes]) -> None:
        """Store a whole file durably, or nothing at all."""

    def open(self, name: str) -> IO[bytes]:
        """Open for reading; bytes may be fetched as they are read."""

    def exists(self, name: str) -> bool: ...

    def delete_prefix(self, prefix: str, *, keep: str = "") -> None:
        """Delete everything below `prefix`, except for the folder `keep` in it; what is gone already is no error."""

    def warm(self) -> None:
        """Load now what the first use would load; without talking to anybody, so that a fork may follow."""
