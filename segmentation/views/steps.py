"""The stages of a run as a list that can be read at a glance."""

from dataclasses import dataclass
from typing import Literal

from segmentation.execution.kinds import KINDS
from segmentation.models.jobs import JobKind
from segmentation.services import RunStatus


@dataclass(frozen=True, slots=True)
class Step:
    """One stage: its name in the API, in words, and how far the run is with it."""

    stage: str
    words: str
    mark: Literal["done", "now", "later"]


def steps(status: RunStatus) -> list[Step]:
    """Return the stages of a run that waits or works, in order."""
    stages = KINDS[JobKind.RUN].stages
    now = next((i for i, stage in enumerate(stages) if stage.name == status.stage), -1)
    return [Step(stage.name, str(stage.title), _mark(i, now)) for i, stage in enumerate(stages)]


def _mark(index: int, now: int) -> Literal["done", "now", "later"]:
    if now < 0 or index > now:
        return "later"
    return "done" if index < now else "now"
