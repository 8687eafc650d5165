"""What decides a result: `Recipe` (the method) and `Inputs` (what belongs to one picture).

Frozen, validated values with JSON both ways and a schema number. Standard library only.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, Self, TypeVar

from segmentation.engine.exceptions import BadRecipe, gettext_noop

Number = TypeVar("Number", int, float)

SCHEMA = 1
"""The newest recipe schema that this release understands."""

AUTO = "auto"
"""How a number of clusters that the engine chooses is written, in JSON and by people."""

MIN_CLUSTERS, MAX_CLUSTERS = 2, 32
MAX_REGIONS = 254  # label values 0 to 253
MAX_SEED = 2**32 - 1


class Preset(StrEnum):
    """What the clusters are made of."""

    COLOURS = "colours"  # every pixel by itself: the classical mixture
    REGIONS = "regions"  # connected segments; each is a component


class Features(StrEnum):
    """What is measured of a pixel."""

    RGB = "rgb"  # the bands as they are
    LAB = "lab"  # CIE L*a*b*, D65
    GRAY = "gray"  # lightness alone
    OD = "od"  # optical density, for stains


class Covariance(StrEnum):
    """The shape of the clusters, as in scikit-learn."""

    FULL = "full"
    TIED = "tied"
    DIAG = "diag"
    SPHERICAL = "spherical"


@dataclass(frozen=True, slots=True)
class Whole:
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
            raise _bad(field, gettext_noop("%(name)s must be a whole number."))
        return _within(field, value, self.low, self.high)


@dataclass(frozen=True, slots=True)
class Real:
    """A number of a range; its text is taken, too."""

    low: float
    high: float

    def parse(self, field: str, value: object) -> float:
        """Return the number; raises BadRecipe when it is none, or out of range."""
        if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d*\.?\d+(e[+-]?\d+)?\s*", value[:40], re.IGNORECASE):
            value = float(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise _bad(field, gettext_noop("%(name)s must be a number."))
        return _within(field, float(value), self.low, self.high)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words."""

    words: type[StrEnum]

    def parse(self, field: str, value: object) -> StrEnum:
        """Return the word; raises BadRecipe for any other."""
        try:
            return self.words(str(value).strip().lower())
        except ValueError:
            choices = ", ".join(self.words)
            raise _bad(field, gettext_noop("%(name)s must be one of: %(choices)s."), choices=choices) from None


@dataclass(frozen=True, slots=True)
class Switch:
    """On or off: JSON's true and false, or what a check box sends."""

    def parse(self, field: str, value: object) -> bool:
        """Return whether it is on; raises BadRecipe for what is neither."""
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in {"on", "true", "1", "off", "false", "0", ""}:
            return value.lower() in {"on", "true", "1"}
        raise _bad(field, gettext_noop("%(name)s must be on or off."))


@dataclass(frozen=True, slots=True)
class WholeOrAuto:
    """A whole number of a range, or `auto`, which is None."""

    number: Whole

    def parse(self, field: str, value: object) -> int | None:
        """Return the number or None; raises BadRecipe when it is neither, or out of range."""
        if value is None or (isinstance(value, str) and value.strip().lower() == AUTO):
            return None
        return self.number.parse(field, value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Every parameter of the method.

    Raises
    ------
    BadRecipe
        When a value is not of its kind or out of its range.
    """

    preset: Preset = Preset.COLOURS
    n_clusters: int | None = 3  # 2 to 32, cut to the distinct colours; regions to 254. None: chosen by the engine
    # What follows says how a mixture of colours is fitted; Regions takes no notice of it.
    features: Features = Features.RGB
    texture: int = 0  # at how many scales local contrast is a feature, too: 0, 1 or 2
    position: bool = False  # whether the place in the picture is a feature, too
    covariance: Covariance = Covariance.FULL
    smoothness: float = 0.0  # 0 (every pixel by itself) to 1
    smallest_region: float = 0.0  # share of the picture below which connected regions join a neighbour, 0 to 0.1
    seed: int = 0  # 0 to 2^32 - 1; decides the sample and the starts
    restarts: int = 2  # descents from different starts, of which the best is kept, 1 to 20
    tolerance: float = 1e-5  # mean nats per pixel and cycle of EM, 1e-9 to 0.1
    max_iterations: int = 100  # evaluations of EM, 1 to 10,000
    exact: bool = False  # whether the fit goes on from a sample to all pixels

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(
                self, field.name, _kind(field.name, self.preset).parse(field.name, getattr(self, field.name))
            )

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Parse a JSON object or the fields of a form; numbers may be given as text.

        Of *Regions* the number is chosen by the engine when none is given.

        Raises
        ------
        BadRecipe
            For an unknown field, a newer schema, a value that is not of its kind or out of range.
        """
        given = dict(mapping)
        schema = Whole(1, 2**31).parse("schema", given.pop("schema", SCHEMA))
        if schema > SCHEMA:
            raise BadRecipe(
                template=gettext_noop("This recipe was written by a newer release (schema %(schema)s)."), schema=schema
            )
        if unknown := sorted(set(given) - _KINDS.keys()):
            raise BadRecipe(
                template=gettext_noop("“%(field)s” is not a setting of a recipe."), field=str(unknown[0])[:100]
            )
        if str(given.get("preset", "")).strip().lower() == Preset.REGIONS:
            given.setdefault("n_clusters", None)
        return cls(**given)

    def for_preview(self) -> Self:
        """The same clusters in a fraction of the time: one start, one cycle of EM, every pixel by itself.

        The mixture that it leads to can be where the whole run begins.
        """
        return replace(
            self,
            restarts=1,
            tolerance=max(self.tolerance, 1e-3),
            max_iterations=min(self.max_iterations, 4),
            exact=False,
            smoothness=0.0,
            smallest_region=0.0,
        )

    def to_mapping(self) -> dict[str, Any]:
        """The recipe as a JSON object with its schema number; `from_mapping` is its inverse."""
        values = {name: str(value) if isinstance(value, StrEnum) else value for name, value in asdict(self).items()}
        return {"schema": SCHEMA, **values, "n_clusters": AUTO if self.n_clusters is None else self.n_clusters}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What decides a result beside the recipe and belongs to one picture; this release takes nothing."""

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Parse a JSON object.

        Raises
        ------
        BadRecipe
            For an unknown field.
        """
        if unknown := sorted(set(mapping) - {"schema"}):
            raise BadRecipe(template=gettext_noop("“%(field)s” is not a known input."), field=str(unknown[0])[:100])
        return cls()

    def to_mapping(self) -> dict[str, Any]:
        """The inputs as a JSON object with their schema number."""
        return {"schema": SCHEMA}


NAMES = {
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

_KINDS: dict[str, Whole | WholeOrAuto | Real | Choice | Switch] = {
    "preset": Choice(Preset),
    "n_clusters": WholeOrAuto(Whole(MIN_CLUSTERS, MAX_CLUSTERS)),
    "features": Choice(Features),
    "texture": Whole(0, 2),
    "position": Switch(),
    "covariance": Choice(Covariance),
    "smoothness": Real(0.0, 1.0),
    "smallest_region": Real(0.0, 0.1),
    "seed": Whole(0, MAX_SEED),
    "restarts": Whole(1, 20),
    "tolerance": Real(1e-9, 0.1),
    "max_iterations": Whole(1, 10_000),
    "exact": Switch(),
}
_N_REGIONS = WholeOrAuto(Whole(MIN_CLUSTERS, MAX_REGIONS))


def _kind(field: str, preset: object) -> Whole | WholeOrAuto | Real | Choice | Switch:
    return _N_REGIONS if field == "n_clusters" and preset == Preset.REGIONS else _KINDS[field]


def _within(field: str, value: Number, low: Number, high: Number) -> Number:
    if not low <= value <= high:
        raise _bad(field, gettext_noop("%(name)s must be between %(low)s and %(high)s."), low=low, high=high)
    return value


def _bad(field: str, template: str, **values: str | float) -> BadRecipe:
    return BadRecipe("bad_recipe", template, name=NAMES.get(field, field), field=field, **values)
