"""What the worker does: turn, claim, child, heartbeat, finish, stop, sweep. It never enqueues; the rows say what there is to do."""

from segmentation.execution.file_deletions import FileDeletionQueue
from segmentation.execution.forecast import Forecast, forecast, seconds_left
from segmentation.execution.heartbeat import Heartbeat
from segmentation.execution.kinds.archive import expected_archive_seconds
from segmentation.execution.kinds.run.cost import expected_seconds
from segmentation.execution.periodic import PeriodicTasks
from segmentation.execution.schedule import Expected
from segmentation.execution.sweep import sweep
from segmentation.execution.worker import OnReady, serve_until_empty, work

__all__ = [
    "Expected",
    "FileDeletionQueue",
    "Forecast",
    "Heartbeat",
    "OnReady",
    "PeriodicTasks",
    "expected_archive_seconds",
    "expected_seconds",
    "forecast",
    "seconds_left",
    "serve_until_empty",
    "sweep",
    "work",
]
