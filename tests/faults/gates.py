"""A storage whose files another process can block or fail by name, with marks in a folder.

`close("binary.png")` makes whoever wants to read or write a file of this name wait until `open` or `refuse`.
"""

import errno
import os
import time
from pathlib import Path

from django.utils.module_loading import import_string

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


def gated(*, backend, **options):
    """Make a storage of the class `backend` whose files have gates."""
    gates = Gates(os.environ[VARIABLE])

    class Gated(import_string(backend)):
        def open(self, name, mode="rb"):
            gates.pass_through(name.rpartition("/")[2])
            return super().open(name, mode)

        def put(self, key, source):
            gates.pass_through(key.rpartition("/")[2])
            super().put(key, source)

    return Gated(**options)
