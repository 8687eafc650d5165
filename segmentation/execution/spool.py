"""Rows that a job needs, written to a file by the parent: the child has no database."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import IO

from segmentation import files
from segmentation.exceptions import StorageUnavailable

FILL_SECONDS = 0.05
"""How long rows are written at a time; the worker's other attempts and heartbeats wait meanwhile."""


class NoRoom(Exception):
    """The rows cannot be written to the disk."""

    def __init__(self, refusal: StorageUnavailable) -> None:
        super().__init__(str(refusal))
        self.refusal = refusal


class Spool:
    """Writes rows to a file without a name, a few at a time; it is gone with the processes that have it open."""

    def __init__(self, rows: Callable[[], Iterator[bytes]]) -> None:
        self.file: IO[bytes] | None = None
        self._rows = rows
        self._left: Iterator[bytes] | None = None

    def fill(self) -> bool:
        """Write rows for `FILL_SECONDS`; returns whether all are written, and the file stands at its beginning.

        Raises
        ------
        NoRoom
            When the disk does not take them.
        django.db.Error
            When the database does not answer; the next call starts again with the first row.
        """
        try:
            with _writing():
                left = self._begin() if self._left is None else self._left
            return self._write(left)
        except BaseException:
            self._left = None
            raise

    def close(self) -> None:
        """Give the room back."""
        if self.file is not None:
            self.file.close()

    def _begin(self) -> Iterator[bytes]:
        self.close()
        self.file = tempfile.TemporaryFile(dir=files.incoming_folder())  # noqa: SIM115 - closed with us
        self._left = self._rows()
        return self._left

    def _write(self, left: Iterator[bytes]) -> bool:
        assert self.file is not None  # noqa: S101 - for the type checker; `_begin` has opened it
        until = time.monotonic() + FILL_SECONDS
        for row in left:
            with _writing():
                self.file.write(row)
            if time.monotonic() >= until:
                return False
        with _writing():
            self.file.seek(0)
        return True


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NoRoom(files.refusal(error)) from error
