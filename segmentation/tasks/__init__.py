"""The one task that wakes workers, and the only place that enqueues it.

The setting `TASKS_BACKEND` chooses how it travels. On one machine it need not: the worker polls the rows (`rows`). On many
it goes through Redis to RQ's workers (`rq`). Either way `execution` does the work, and the rows alone say what there is to
do: a wake-up that is lost costs time, a second one costs nothing.
"""

from segmentation.tasks.wake_up import run_next, wake_workers_on_commit, work

__all__ = ["run_next", "wake_workers_on_commit", "work"]
