"""Field types of a recipe: each parses a setting, and raises `BadRecipe` with a message when the value is not valid."""

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from segmentation.engine.exceptions import BadRecipe, gettext_noop

Number = TypeVar("Number", int, float)

AUTO = "auto"
"""The value of a number of clusters that the engine chooses, in JSON and in forms."""

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
"""The name of each setting in error messages; the application translates it."""

READING_NAMES = {
    "series": gettext_noop("The number of the picture in the file"),
    "z": gettext_noop("The number of the plane"),
    "t": gettext_noop("The number of the point in time"),
    "channels": gettext_noop("The number of a channel"),
    "no_data": gettext_noop("The value of no data"),
    "alpha": gettext_noop("The meaning of alpha"),
}
"""The name, in error messages, of each choice in the reading of a file."""


@dataclass(frozen=True, slots=True)
class IntegerField:
    """An integer between two limits, given as a number or as text."""

    low: int
    high: int

    def parse(self, field: str, value: object) -> int:
        """Return the integer; raises BadRecipe if the value is not an integer or out of range."""
        if isinstance(value, str) and value.strip().isdecimal() and len(value) <= 20:
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise invalid_setting(field, gettext_noop("%(name)s must be a whole number."))
        return _in_range(field, value, self.low, self.high)


@dataclass(frozen=True, slots=True)
class RealField:
    """A real number between two limits, given as a number or as text."""

    low: float
    high: float

    def parse(self, field: str, value: object) -> float:
        """Return the number; raises BadRecipe if the value is not a finite number or out of range."""
        if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d*\.?\d+(e[+-]?\d+)?\s*", value[:40], re.IGNORECASE):
            value = float(value)
        try:
            number = finite_number(value)
        except ValueError:
            raise invalid_setting(field, gettext_noop("%(name)s must be a number.")) from None
        return _in_range(field, number, self.low, self.high)


@dataclass(frozen=True, slots=True)
class ChoiceField:
    """A member of an enumeration, given by its value."""

    values: type[StrEnum]

    def parse(self, field: str, value: object) -> StrEnum:
        """Return the member; raises BadRecipe for any other value."""
        try:
            return self.values(str(value).strip().lower())
        except ValueError:
            choices = ", ".join(self.values)
            raise invalid_setting(
                field, gettext_noop("%(name)s must be one of: %(choices)s."), choices=choices
            ) from None


@dataclass(frozen=True, slots=True)
class BooleanField:
    """A boolean, given as true or false or as the text that a check box sends."""

    def parse(self, field: str, value: object) -> bool:
        """Return the boolean; raises BadRecipe for any other value."""
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in {"on", "true", "1", "off", "false", "0", ""}:
            return value.lower() in {"on", "true", "1"}
        raise invalid_setting(field, gettext_noop("%(name)s must be on or off."))


@dataclass(frozen=True, slots=True)
class IntegerOrAutoField:
    """An integer between two limits, or None, given as null or the text `auto`."""

    number: IntegerField

    def parse(self, field: str, value: object) -> int | None:
        """Return the integer or None; raises BadRecipe if the value is neither, or out of range."""
        if value is None or (isinstance(value, str) and value.strip().lower() == AUTO):
            return None
        return self.number.parse(field, value)


Field = IntegerField | IntegerOrAutoField | RealField | ChoiceField | BooleanField


def invalid_setting(field: str, template: str, **values: str | float) -> BadRecipe:
    """Return a `BadRecipe` for a setting; the template can contain the setting's name as ``%(name)s``."""
    return BadRecipe(
        "bad_recipe", template, name=(SETTING_NAMES | READING_NAMES).get(field, field), field=field, **values
    )


def finite_number(value: object) -> float:
    """Return a finite int or float as a float; raises ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError  # noqa: TRY004 - callers handle one type of error
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
