"""The bell itself, declared with the Django Tasks API."""

from typing import Protocol, cast

from django.db import transaction
from django_tasks import default_task_backend, task

from segmentation import execution


class Engine(Protocol):
    """What our backends of the Django Tasks API can do besides ringing."""

    def work(self, *, on_ready: execution.OnReady) -> None:
        """Be a worker until SIGTERM or SIGINT."""


@task()
def run_next() -> None:
    """Serve runs until none waits, or a minute has passed; whoever leaves runs behind rings once."""
    if execution.serve_until_empty():
        run_next.enqueue()


def ring_on_commit() -> None:
    """Tell the workers that something waits, once the row is there. A lost bell must not fail the request."""
    transaction.on_commit(run_next.enqueue, robust=True)


def work(*, on_ready: execution.OnReady) -> None:
    """Be a worker of the kind that hears this bell, until SIGTERM or SIGINT."""
    cast("Engine", default_task_backend).work(on_ready=on_ready)
