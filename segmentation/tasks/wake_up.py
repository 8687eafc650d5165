"""The task that wakes workers, declared with the Django Tasks API."""

from typing import Protocol, cast

from django.db import transaction
from django_tasks import default_task_backend, task

from segmentation import execution


class WorkerBackend(Protocol):
    """A backend of the Django Tasks API that can also be a worker, as ours can."""

    def work(self, *, on_ready: execution.OnReady) -> None:
        """Be a worker until SIGTERM or SIGINT."""


@task()
def run_next() -> None:
    """Do jobs until none waits, or a minute has passed; enqueue another wake-up when some are left."""
    if execution.serve_until_empty():
        run_next.enqueue()


def wake_workers_on_commit() -> None:
    """Tell the workers that something waits, once the row is there. A lost wake-up must not fail the request."""
    transaction.on_commit(run_next.enqueue, robust=True)


def work(*, on_ready: execution.OnReady) -> None:
    """Be a worker of the configured backend until SIGTERM or SIGINT."""
    cast("WorkerBackend", default_task_backend).work(on_ready=on_ready)
