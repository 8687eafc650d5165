"""The stages of a run as a list that can be read at a glance."""

from dataclasses import dataclass
from typing import Literal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from segmentation.engine.progress import Stage
from segmentation.services import RunStatus
from segmentation.services.status import STAGE_NAMES


@dataclass(frozen=True, slots=True)
class Step:
    """One stage: its name in the API, in words, and how far the run is with it."""

    stage: str
    words: str
    mark: Literal["done", "now", "later"]


def steps(status: RunStatus, *, n_clusters: int | None) -> list[Step]:
    """Return the stages of a run that waits or works, in order."""
    order = list(Stage)
    now = order.index(Stage(status.stage)) if status.stage else -1
    return [Step(stage.value, _words(stage, n_clusters), _mark(i, now)) for i, stage in enumerate(order)]


def _words(stage: Stage, n_clusters: int | None) -> str:
    if stage == Stage.FITTING and n_clusters:
        return ngettext("Fit %(n)s cluster", "Fit %(n)s clusters", n_clusters) % {"n": n_clusters}
    return _(str(STAGE_NAMES[stage]))


def _mark(index: int, now: int) -> Literal["done", "now", "later"]:
    if now < 0 or index > now:
        return "later"
    return "done" if index < now else "now"
