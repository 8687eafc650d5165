"""The task that wakes workers, declared with the Django Tasks API."""

from typing import Protocol, cast

from django.db import transaction
from django_tasks import default_task_backend, task

from segmentation import execution


class WorkerBackend(Protocol):
    """A backend of the Django Tasks API that also has the loop of its worker."""

    def work(self, *, on_ready: execution.OnReady) -> None:
        """Run a worker until SIGTERM or SIGINT."""


@task()
def run_next() -> None:
    """Run jobs until none waits or a minute has passed; if some are left, enqueue this task again."""
    if execution.serve_until_empty():
        run_next.enqueue()


def wake_workers_on_commit() -> None:
    """Enqueue a wake-up after the transaction commits. An error of the queue is logged and does not fail the request."""
    transaction.on_commit(run_next.enqueue, robust=True)


def work(*, on_ready: execution.OnReady) -> None:
    """Run a worker of the configured backend until SIGTERM or SIGINT."""
    cast("WorkerBackend", default_task_backend).work(on_ready=on_ready)
