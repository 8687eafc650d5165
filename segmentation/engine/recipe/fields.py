"""What a setting may be, and what is said when it is not."""

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from segmentation.engine.exceptions import BadRecipe, gettext_noop

Number = TypeVar("Number", int, float)

AUTO = "auto"
"""How a number of clusters that the engine chooses is written, in JSON and by people."""

SETTING_NAMES = {
    "preset": gettext_noop("The preset"),
    "n_clusters": gettext_noop("The number of clusters"),
    "features": gettext_noop("The colour space"),
    "texture": gettext_noop("The number of texture scales"),
    "position": gettext_noop("Position as a feature"),
    "covariance": gettext_noop("The shape of clusters"),
    "smoothness": gettext_noop("The smoothness"),
    "smallest_region": gettext_noop("The smallest region"),
    "seed": gettext_noop("The seed"),
    "restarts": gettext_noop("The number of starts"),
    "tolerance": gettext_noop("The tolerance"),
    "max_iterations": gettext_noop("The number of iterations"),
    "exact": gettext_noop("Fitting all pixels"),
}
"""What people call the settings; whoever shows a sentence of an error translates it."""


@dataclass(frozen=True, slots=True)
class IntegerField:
    """A whole number of a range; text of digits is taken, too."""

    low: int
    high: int

    def parse(self, field: str, value: object) -> int:
        """Return the number; raises BadRecipe when it is none, or out of range."""
        if isinstance(value, str) and value.strip().isdecimal() and len(value) <= 20:
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise invalid_setting(field, gettext_noop("%(name)s must be a whole number."))
        return _in_range(field, value, self.low, self.high)


@dataclass(frozen=True, slots=True)
class RealField:
    """A number of a range; its text is taken, too."""

    low: float
    high: float

    def parse(self, field: str, value: object) -> float:
        """Return the number; raises BadRecipe when it is none, or out of range."""
        if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d*\.?\d+(e[+-]?\d+)?\s*", value[:40], re.IGNORECASE):
            value = float(value)
        try:
            number = finite_number(value)
        except ValueError:
            raise invalid_setting(field, gettext_noop("%(name)s must be a number.")) from None
        return _in_range(field, number, self.low, self.high)


@dataclass(frozen=True, slots=True)
class ChoiceField:
    """One of some words."""

    values: type[StrEnum]

    def parse(self, field: str, value: object) -> StrEnum:
        """Return the word; raises BadRecipe for any other."""
        try:
            return self.values(str(value).strip().lower())
        except ValueError:
            choices = ", ".join(self.values)
            raise invalid_setting(
                field, gettext_noop("%(name)s must be one of: %(choices)s."), choices=choices
            ) from None


@dataclass(frozen=True, slots=True)
class BooleanField:
    """On or off: JSON's true and false, or what a check box sends."""

    def parse(self, field: str, value: object) -> bool:
        """Return whether it is on; raises BadRecipe for what is neither."""
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in {"on", "true", "1", "off", "false", "0", ""}:
            return value.lower() in {"on", "true", "1"}
        raise invalid_setting(field, gettext_noop("%(name)s must be on or off."))


@dataclass(frozen=True, slots=True)
class IntegerOrAutoField:
    """A whole number of a range, or `auto`, which is None."""

    number: IntegerField

    def parse(self, field: str, value: object) -> int | None:
        """Return the number or None; raises BadRecipe when it is neither, or out of range."""
        if value is None or (isinstance(value, str) and value.strip().lower() == AUTO):
            return None
        return self.number.parse(field, value)


Field = IntegerField | IntegerOrAutoField | RealField | ChoiceField | BooleanField


def invalid_setting(field: str, template: str, **values: str | float) -> BadRecipe:
    """The error of a setting, which is called by its name."""
    return BadRecipe("bad_recipe", template, name=SETTING_NAMES.get(field, field), field=field, **values)


def finite_number(value: object) -> float:
    """A finite number, as JSON has it; raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError  # noqa: TRY004 - one kind of error for all that is no number
    try:
        number = float(value)
    except OverflowError:
        raise ValueError from None
    if not math.isfinite(number):
        raise ValueError
    return number


def _in_range(field: str, value: Number, low: Number, high: Number) -> Number:
    if not low <= value <= high:
        raise invalid_setting(field, gettext_noop("%(name)s must be between %(low)s and %(high)s."), low=low, high=high)
    return value
