"""The task backend for one machine, whose worker polls the table of jobs, so that no task is sent."""

from typing import Any

from django.utils import timezone
from django_tasks.backends.base import BaseTaskBackend
from django_tasks.base import Task, TaskResult, TaskResultStatus
from django_tasks.utils import get_random_id

from segmentation import execution


class RowsBackend(BaseTaskBackend):
    """Enqueues nothing: `manage.py worker` polls the rows."""

    supports_async_task = False

    def enqueue(self, task: Task[Any, Any], args: Any, kwargs: Any) -> TaskResult[Any]:
        """Validate the task, and send nothing."""
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

    def work(self, *, on_ready: execution.OnReady) -> None:
        execution.work(on_ready=on_ready)
