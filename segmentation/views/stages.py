"""Stages of a run as the page of an active run lists them."""

from dataclasses import dataclass
from typing import Literal

from segmentation.execution.kinds import KINDS
from segmentation.models.jobs import JobKind
from segmentation.services import RunStatus

Progress = Literal["done", "now", "later"]


@dataclass(frozen=True, slots=True)
class RunStage:
    """One stage: its name in the API, its title on the page, and whether the run has passed it."""

    name: str
    title: str
    progress: Progress


def run_stages(status: RunStatus) -> list[RunStage]:
    """Return the stages of an active run in order."""
    stages = KINDS[JobKind.RUN].stages
    now = next((i for i, stage in enumerate(stages) if stage.name == status.stage), -1)
    return [RunStage(stage.name, str(stage.title), _progress(i, now)) for i, stage in enumerate(stages)]


def _progress(index: int, now: int) -> Progress:
    if now < 0 or index > now:
        return "later"
    return "done" if index < now else "now"
