"""What the worker does: turn, claim, child, beat, finish, stop, sweep. It never enqueues; the rows say what there is to do."""

from segmentation.execution.cost import expected_seconds
from segmentation.execution.duties import Duties
from segmentation.execution.errands import Errands
from segmentation.execution.forecast import Forecast, forecast, seconds_left
from segmentation.execution.presence import Presence
from segmentation.execution.schedule import Expected
from segmentation.execution.sweep import sweep
from segmentation.execution.worker import OnReady, serve_until_empty, work

__all__ = [
    "Duties",
    "Errands",
    "Expected",
    "Forecast",
    "OnReady",
    "Presence",
    "expected_seconds",
    "forecast",
    "seconds_left",
    "serve_until_empty",
    "sweep",
    "work",
]
