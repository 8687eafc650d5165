"""Write the rows that a job needs to a file, for its child process, which has no database connection."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import IO

from segmentation import files
from segmentation.exceptions import StorageUnavailable

FILL_SECONDS = 0.05
"""The longest time for which rows are written in one call, because heartbeats and other jobs of the worker wait meanwhile."""


class SpoolError(Exception):
    """Raised when the disk does not take the rows."""

    def __init__(self, storage_error: StorageUnavailable) -> None:
        super().__init__(str(storage_error))
        self.storage_error = storage_error


class Spool:
    """Writes rows to an unnamed temporary file, some at each call of `fill`."""

    def __init__(self, rows: Callable[[], Iterator[bytes]]) -> None:
        self.file: IO[bytes] | None = None
        self._rows = rows
        self._remaining: Iterator[bytes] | None = None

    def fill(self) -> bool:
        """Write rows for `FILL_SECONDS`. Returns True when all are written; the file is then at its beginning.

        Raises
        ------
        SpoolError
            When the disk does not take them.
        django.db.Error
            When the database does not answer; the next call starts again with the first row.
        """
        try:
            with _writing():
                remaining = self._begin() if self._remaining is None else self._remaining
            return self._write(remaining)
        except BaseException:
            self._remaining = None
            raise

    def close(self) -> None:
        """Close the file, which deletes it."""
        if self.file is not None:
            self.file.close()

    def _begin(self) -> Iterator[bytes]:
        self.close()
        self.file = tempfile.TemporaryFile(dir=files.incoming_folder())  # noqa: SIM115 - closed with this object
        self._remaining = self._rows()
        return self._remaining

    def _write(self, remaining: Iterator[bytes]) -> bool:
        assert self.file is not None  # noqa: S101 - for the type checker; `_begin` has opened it
        until = time.monotonic() + FILL_SECONDS
        for row in remaining:
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
        raise SpoolError(files.storage_error(error)) from error
