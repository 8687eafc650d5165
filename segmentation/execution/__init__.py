"""What the worker does: turn, claim, child, beat, finish, stop, sweep. It never enqueues; the rows say what there is to do."""

from segmentation.execution.duties import Duties
from segmentation.execution.sweep import sweep
from segmentation.execution.turn import position
from segmentation.execution.worker import serve_until_empty, work

__all__ = ["Duties", "position", "serve_until_empty", "sweep", "work"]
