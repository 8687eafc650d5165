"""The task that wakes workers, and its backends. Nothing outside this package enqueues tasks.

The setting `TASKS_BACKEND` chooses the backend. With `rows`, for one machine, nothing is sent, because the worker polls the table
of jobs. With `rq`, for several machines, the task is sent through Redis to RQ's workers. In both cases `execution` runs the jobs,
and the table is the queue: a lost wake-up only delays a job, and an unnecessary one does no harm.
"""

from segmentation.tasks.wake_up import run_next, wake_workers_on_commit, work

__all__ = ["run_next", "wake_workers_on_commit", "work"]
