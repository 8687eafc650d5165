"""How gunicorn serves the site: a process with threads, as `make run` and a deployment behind a proxy both want it."""

import os
import signal
from math import ceil
from typing import Any

from gmmsite.deploy.parent import end_with_parent

bind = f"127.0.0.1:{os.environ.get('PORT') or 8000}"
workers = int(os.environ.get("GMM_WEB_PROCESSES") or 1)  # the settings refuse more than one without a shared cache
worker_class = "gthread"
threads = 8  # enough for slow uploads beside quick pages; pictures are decoded in children of the sandbox
timeout = 60  # for a stuck process, not for a slow line: gthread's main loop answers while a thread reads an upload
graceful_timeout = ceil(float(os.environ.get("GMM_STOP_SECONDS") or 10))
keepalive = 5
control_socket_disable = True  # nobody uses it, and it would leave a file behind
loglevel = "warning"  # of gunicorn's own lines; those of requests are written with LOG_FORMAT=json
logger_class = "gmmsite.deploy.access_log.StructuredLogger"


def post_fork(_server: Any, worker: Any) -> None:
    """End with gunicorn: a killed one's orphan would keep the port from its successor."""
    end_with_parent(signal.SIGKILL, worker.ppid)


def post_worker_init(_worker: Any) -> None:
    """Have decoder and sandbox ready before the first picture comes, then say that the site is open."""
    from django.conf import settings  # noqa: PLC0415 - settings are read by the worker, once the application is loaded

    from segmentation.engine import decoder, sandbox  # noqa: PLC0415 - the same

    sandbox.configure(children=settings.GMM_WEB_CHILDREN)
    sandbox.warm()
    decoder.start()
    if os.environ.get("GMM_ANNOUNCE"):
        print(f"GMM Studio is running at {settings.SITE_URL} (Ctrl-C stops it)", flush=True)  # noqa: T201 - to the terminal
