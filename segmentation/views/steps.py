"""The stages of a run as a list that can be read at a glance."""

from dataclasses import dataclass
from typing import Literal

from segmentation.engine.progress import Stage
from segmentation.services import RunStatus
from segmentation.services.status import STAGE_NAMES


@dataclass(frozen=True, slots=True)
class Step:
    """One stage: its name in the API, in words, and how far the run is with it."""

    stage: str
    words: str
    mark: Literal["done", "now", "later"]


def steps(status: RunStatus) -> list[Step]:
    """Return the stages of a run that waits or works, in order."""
    order = list(Stage)
    now = order.index(Stage(status.stage)) if status.stage else -1
    return [Step(stage.value, str(STAGE_NAMES[stage]), _mark(i, now)) for i, stage in enumerate(order)]


def _mark(index: int, now: int) -> Literal["done", "now", "later"]:
    if now < 0 or index > now:
        return "later"
    return "done" if index < now else "now"
