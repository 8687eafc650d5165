"""What the worker does: turn, claim, child, beat, finish, stop, sweep. It never enqueues; the rows say what there is to do."""

from segmentation.execution.duties import Duties
from segmentation.execution.errands import Errands
from segmentation.execution.presence import Presence
from segmentation.execution.sweep import sweep
from segmentation.execution.turn import position
from segmentation.execution.worker import serve_until_empty, work

__all__ = ["Duties", "Errands", "Presence", "position", "serve_until_empty", "sweep", "work"]
