"""`manage.py worker` runs the jobs that wait in the database, until it is told to stop."""

import logging
import os
import sys
from typing import Any

_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}  # read when NumPy is first imported; a process with threads must not fork
_HAD_THREADS = "numpy" in sys.modules and any(os.environ.get(name) != value for name, value in _ONE_THREAD.items())
os.environ.update(_ONE_THREAD)

from django.core.management.base import BaseCommand  # noqa: E402 - after the environment that decides about threads

from segmentation import files, tasks  # noqa: E402 - the same
from segmentation.engine import decoder, pipeline  # noqa: E402 - the same

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Does the runs that wait in the database, until SIGTERM or Ctrl-C."
    requires_system_checks = ()  # they load the whole web application

    def handle(self, *_args: Any, **_options: Any) -> None:
        if _HAD_THREADS:
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - restarts this program
        files.preload()
        pipeline.preload()
        decoder.start()
        tasks.work(on_ready=self._say_ready)

    @staticmethod
    def _say_ready(slots: int, short_slots: int) -> None:
        logger.info(
            "The worker is ready: slots for long runs: %s, for short ones: %s; process %s.",
            slots,
            short_slots,
            os.getpid(),
        )
