"""Storage whose files can be held back or refused by name, from another process: by marks in a folder.

`close("binary.png")` makes whoever wants to read or write a file of this name wait until `open` or `refuse`.
"""

import errno
import os
import time
from pathlib import Path

from django.core.files.storage import FileSystemStorage

from gmmsite.objects import ObjectStorage
from tests.processes import eventually

VARIABLE = "GMM_TEST_GATES"
_LOOK_SECONDS = 0.01


class Gates:
    """The marks, as the test sets them and the storage of a worker heeds them."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def close(self, name):
        self._mark(name, "closed").touch()

    def open(self, name):
        for kind in ("closed", "refused", "reached"):
            self._mark(name, kind).unlink(missing_ok=True)

    def refuse(self, name):
        """Answer with an error from now on, as a store does that is down."""
        self._mark(name, "refused").touch()
        self._mark(name, "closed").unlink(missing_ok=True)

    def wait_until_reached(self, name, *, within=60):
        eventually(self._mark(name, "reached").exists, within=within)

    def pass_through(self, name):
        if self._mark(name, "closed").exists():
            self._mark(name, "reached").touch()
        while self._mark(name, "closed").exists():
            time.sleep(_LOOK_SECONDS)
        if self._mark(name, "refused").exists():
            raise OSError(errno.EIO, "This store is down", name)

    def _mark(self, name, kind):
        return self.folder / f"{name}.{kind}"


def _pass_through(key):
    Gates(os.environ[VARIABLE]).pass_through(key.rpartition("/")[2])


class GatedDisk(FileSystemStorage):
    def path(self, name):
        _pass_through(name)
        return super().path(name)


class GatedObjects(ObjectStorage):
    def _open(self, name, mode="rb"):
        _pass_through(name)
        return super()._open(name, mode)

    def _save(self, name, content):
        _pass_through(name)
        return super()._save(name, content)
