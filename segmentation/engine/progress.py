"""Progress of a segmentation: named stages, and one percentage over all of them."""

from collections.abc import Callable
from enum import StrEnum


class Stage(StrEnum):
    """The stages of a segmentation, in order."""

    READING = "reading"
    COUNTING = "counting"
    FITTING = "fitting"
    LABELLING = "labelling"
    WRITING = "writing"


# The percentage at which each stage begins; fitting takes most of the time of a small picture.
_BEGINS = {Stage.READING: 0, Stage.COUNTING: 15, Stage.FITTING: 25, Stage.LABELLING: 80, Stage.WRITING: 90}
_ENDS = dict(zip(_BEGINS, [*list(_BEGINS.values())[1:], 100], strict=True))

OnProgress = Callable[[Stage, float], None]
"""Called with the stage and the fraction of it that is done, 0 to 1. An exception that it raises ends the computation."""

OnFraction = Callable[[float], None]
"""Called with the fraction of a computation that is done, 0 to 1."""


def ignore_progress(_fraction: float) -> None:
    """Ignore the progress of a computation."""


def ignore_stage_progress(_stage: Stage, _fraction: float) -> None:
    """Ignore the progress of a segmentation."""


def subrange(on_fraction: OnFraction, begin: float, end: float) -> OnFraction:
    """Return a callback for a part of a computation that covers the fractions from `begin` to `end` of the whole."""
    return lambda fraction: on_fraction(begin + (end - begin) * fraction)


def percent(stage: Stage, fraction: float) -> int:
    """Return the percentage of a run that is done, an integer from 0 to 100.

    >>> percent(Stage.FITTING, 0.5)
    52
    """
    begins, ends = _BEGINS[stage], _ENDS[stage]
    return round(begins + (ends - begins) * min(max(fraction, 0.0), 1.0))
