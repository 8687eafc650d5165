"""How far a segmentation is: named stages, and one percentage over all of them."""

from collections.abc import Callable
from enum import StrEnum


class Stage(StrEnum):
    """What the engine is doing, in this order."""

    READING = "reading"
    COUNTING = "counting"
    FITTING = "fitting"
    LABELLING = "labelling"
    WRITING = "writing"


# The part of the whole at which each stage begins, in percent: fitting takes most of the time of a small picture.
_BEGINS = {Stage.READING: 0, Stage.COUNTING: 15, Stage.FITTING: 25, Stage.LABELLING: 80, Stage.WRITING: 90}
_ENDS = dict(zip(_BEGINS, [*list(_BEGINS.values())[1:], 100], strict=True))

OnProgress = Callable[[Stage, float], None]
"""Called with the stage and the fraction of it that is done, 0 to 1. What it raises ends the computation."""

OnFraction = Callable[[float], None]
"""Called with the fraction that is done of whatever it was given to, 0 to 1."""


def ignore_progress(_fraction: float) -> None:
    """Nobody wants to know."""


def subrange(on_fraction: OnFraction, begin: float, end: float) -> OnFraction:
    """What tells the fractions of one part of the work, which is from `begin` to `end` of the whole."""
    return lambda fraction: on_fraction(begin + (end - begin) * fraction)


def percent(stage: Stage, fraction: float) -> int:
    """Whole percents of the run that are done, 0 to 100.

    >>> percent(Stage.FITTING, 0.5)
    52
    """
    begins, ends = _BEGINS[stage], _ENDS[stage]
    return round(begins + (ends - begins) * min(max(fraction, 0.0), 1.0))
