"""The one bell, and the only place that rings it.

On one machine the worker looks at the rows by itself, and the bell is silent (`RowsBackend`). Other backends of the Django
Tasks API deliver it to their workers; either way `execution` does the work, and the rows alone are the truth.
"""

from typing import Any

from django.db import transaction
from django.utils import timezone
from django_tasks import task
from django_tasks.backends.base import BaseTaskBackend
from django_tasks.base import Task, TaskResult, TaskResultStatus
from django_tasks.utils import get_random_id

from segmentation import execution


class RowsBackend(BaseTaskBackend):
    """A silent bell: `manage.py worker` polls the rows."""

    supports_async_task = False

    def enqueue(self, task: Task[Any, Any], args: Any, kwargs: Any) -> TaskResult[Any]:
        """Check the task as any backend does; there is nobody to tell."""
        self.validate_task(task)
        return TaskResult(
            task=task,
            id=get_random_id(),
            status=TaskResultStatus.READY,
            enqueued_at=timezone.now(),
            started_at=None,
            finished_at=None,
            last_attempted_at=None,
            args=list(args),
            kwargs=dict(kwargs),
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )


@task()
def run_next() -> None:
    """Serve what waits, until nothing waits."""
    execution.serve_until_empty()


def ring_on_commit() -> None:
    """Tell the workers that something waits, once the row is there. A lost bell must not fail the request."""
    transaction.on_commit(run_next.enqueue, robust=True)
