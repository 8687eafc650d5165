"""Execution of jobs by a worker: choose and claim a job, run it in a child process, write heartbeats, store the result.

The rows of `Job` are the queue. Nothing here enqueues a task.
"""

from segmentation.execution.file_deletions import FileDeletionQueue
from segmentation.execution.forecast import Forecast, forecast, seconds_left
from segmentation.execution.heartbeat import Heartbeat
from segmentation.execution.kinds.archive import expected_archive_seconds
from segmentation.execution.kinds.run.cost import expected_seconds
from segmentation.execution.periodic import PeriodicTaskRunner
from segmentation.execution.schedule import ExpectedTimes
from segmentation.execution.sweep import sweep
from segmentation.execution.worker import OnReady, serve_until_empty, work

__all__ = [
    "ExpectedTimes",
    "FileDeletionQueue",
    "Forecast",
    "Heartbeat",
    "OnReady",
    "PeriodicTaskRunner",
    "expected_archive_seconds",
    "expected_seconds",
    "forecast",
    "seconds_left",
    "serve_until_empty",
    "sweep",
    "work",
]
