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

INPUTS_SCHEMA = 2
"""The newest schema of inputs, of which 1 holds nothing. A new field, or a newer schema of mixtures, raises it."""

AUTO = "auto"
"""How a number of clusters that the engine chooses is written, in JSON and by people."""

MIN_CLUSTERS, MAX_CLUSTERS = 2, 32
MAX_REGIONS = 254  # label values 0 to 253
MAX_SEED = 2**32 - 1
MAX_VALUES = 20  # of a pixel: 16 bands, two scales of texture, two of position


class Preset(StrEnum):
    """What the clusters are made of."""

    COLOURS = "colours"  # every pixel by itself: the classical mixture
    REGIONS = "regions"  # connected segments; each is a component


class Features(StrEnum):
    """What is measured of a pixel."""

    RGB = "rgb"  # the bands as they are, in full depth
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
        try:
            number = _number(value)
        except ValueError:
            raise _bad(field, gettext_noop("%(name)s must be a number.")) from None
        return _within(field, number, self.low, self.high)


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

    def measures_like(self, other: Self) -> bool:
        """Whether a pixel is the same values to both, so that a mixture of one means the same to the other."""
        names = ("preset", "features", "texture", "position")
        return all(getattr(self, name) == getattr(other, name) for name in names)

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
class Start:
    """The numbers of a mixture where a fit begins: K components over D values a pixel, in units of the values.

    That the covariances are those of Gaussians shows when the engine makes a mixture of them.
    """

    weights: tuple[float, ...]  # K, positive, sum 1
    means: tuple[tuple[float, ...], ...]  # K x D
    covariances: tuple[tuple[tuple[float, ...], ...], ...]  # K x D x D
    covariance_type: Covariance

    @classmethod
    def from_mapping(cls, mapping: object) -> Self:
        """Parse what `Mixture.to_mapping` writes, which stands in the `run.json` of every run.

        Raises
        ------
        BadRecipe
            For what is no mixture: fields, shapes, numbers that are not finite, weights that are no shares.
        """
        if not isinstance(mapping, Mapping) or set(mapping) - {"covariance_type"} != _FIELDS_OF_A_START:
            raise _bad_start(
                gettext_noop("The starting mixture must have schema, weights, means, covariances and covariance_type.")
            )
        if mapping["schema"] != _SCHEMA_OF_A_START:
            raise _bad_start(gettext_noop("The starting mixture was written by another release."))
        family = Choice(Covariance).parse("mixture", mapping.get("covariance_type", Covariance.FULL))
        return cls(covariance_type=Covariance(family), **_shaped(mapping))

    def to_mapping(self) -> dict[str, Any]:
        """The mixture as a JSON object; `from_mapping` is its inverse."""
        return {
            "schema": _SCHEMA_OF_A_START,
            "weights": list(self.weights),
            "means": [list(mean) for mean in self.means],
            "covariances": [[list(row) for row in matrix] for matrix in self.covariances],
            "covariance_type": str(self.covariance_type),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What decides a result beside the recipe and belongs to one picture.

    Raises
    ------
    BadRecipe
        When the mask is no hash.
    """

    mixture: Start | None = None  # where the fit begins, instead of at random
    mask: str | None = None  # SHA-256 of the PNG whose pixels that are not black are left out, in lower case

    def __post_init__(self) -> None:
        if self.mask is not None and not re.fullmatch("[0-9a-f]{64}", str(self.mask)):
            raise _bad("mask", gettext_noop("The mask must be named by its SHA-256, 64 hexadecimal digits."))

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Parse a JSON object; what is null or not there is not given.

        Raises
        ------
        BadRecipe
            For an unknown field, a newer schema, or what is no mixture or no hash.
        """
        given = dict(mapping)
        schema = Whole(1, 2**31).parse("schema", given.pop("schema", INPUTS_SCHEMA))
        if schema > INPUTS_SCHEMA:
            raise BadRecipe(
                template=gettext_noop("These inputs were written by a newer release (schema %(schema)s)."),
                schema=schema,
            )
        if unknown := sorted(set(given) - {"mixture", "mask"}):
            raise BadRecipe(template=gettext_noop("“%(field)s” is not a known input."), field=str(unknown[0])[:100])
        mixture = given.get("mixture")
        return cls(mixture=None if mixture is None else Start.from_mapping(mixture), mask=given.get("mask"))

    def to_mapping(self) -> dict[str, Any]:
        """The inputs as a JSON object with their schema number; `from_mapping` is its inverse.

        Inputs that hold nothing are of schema 1, so that a worker of a release that knows no others does such runs, and
        leaves the rest to newer ones.
        """
        if self == type(self)():
            return {"schema": 1}
        mixture = None if self.mixture is None else self.mixture.to_mapping()
        return {"schema": INPUTS_SCHEMA, "mixture": mixture, "mask": self.mask}


def agreed(recipe: Recipe, inputs: Inputs) -> Recipe:
    """The recipe that these inputs lead to: a starting mixture says how many clusters there are.

    Raises
    ------
    BadRecipe
        When the recipe asks for another number, or for regions, which begin nowhere.
    """
    if inputs.mixture is None:
        return recipe
    if recipe.preset is Preset.REGIONS:
        raise _bad_start(gettext_noop("Regions take no starting mixture: choose Colours, or start without."))
    count = len(inputs.mixture.weights)
    if recipe.n_clusters not in {None, count}:
        raise _bad_start(
            gettext_noop(
                "The starting mixture has %(given)s clusters, not %(wanted)s: ask for %(given)s, or for auto."
            ),
            given=count,
            wanted=recipe.n_clusters or AUTO,
        )
    return replace(recipe, n_clusters=count) if count >= MIN_CLUSTERS else recipe


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
_SCHEMA_OF_A_START = 1
_FIELDS_OF_A_START = {"schema", "weights", "means", "covariances"}
_LARGEST = 1e18  # in a mixture; no picture needs it, and squares of it still are numbers
_NEARLY = 1e-6  # weights of a finished fit are rounded to 24 bits
_N_REGIONS = WholeOrAuto(Whole(MIN_CLUSTERS, MAX_REGIONS))


def _kind(field: str, preset: object) -> Whole | WholeOrAuto | Real | Choice | Switch:
    return _N_REGIONS if field == "n_clusters" and preset == Preset.REGIONS else _KINDS[field]


def _within(field: str, value: Number, low: Number, high: Number) -> Number:
    if not low <= value <= high:
        raise _bad(field, gettext_noop("%(name)s must be between %(low)s and %(high)s."), low=low, high=high)
    return value


def _bad(field: str, template: str, **values: str | float) -> BadRecipe:
    return BadRecipe("bad_recipe", template, name=NAMES.get(field, field), field=field, **values)


def _shaped(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Weights (K), means (K, D) and covariances (K, D, D) of a mapping, as tuples."""
    try:
        clusters, values = len(mapping["weights"]), len(mapping["means"][0])
        shapes = {"weights": (clusters,), "means": (clusters, values), "covariances": (clusters, values, values)}
        if not (1 <= clusters <= MAX_CLUSTERS and 1 <= values <= MAX_VALUES):
            raise _bad_start(
                gettext_noop("The starting mixture must have 1 to %(clusters)s clusters of 1 to %(values)s values."),
                clusters=MAX_CLUSTERS,
                values=MAX_VALUES,
            )
        numbers = {name: _numbers(mapping[name], *shape) for name, shape in shapes.items()}
    except (TypeError, ValueError, LookupError):
        raise _bad_start(
            gettext_noop(
                "The starting mixture must have K weights, K means of D values and K covariances of D x D, all finite and below 1e18."
            )
        ) from None
    if min(numbers["weights"]) <= 0 or abs(sum(numbers["weights"]) - 1) > _NEARLY:
        raise _bad_start(gettext_noop("The weights of the starting mixture must be above 0, with sum 1."))
    return numbers


def _numbers(value: object, *shape: int) -> Any:
    """Lists of a shape, one in the other, as tuples of the numbers of a mixture; raises ValueError for anything else."""
    if not shape:
        number = _number(value)
        if abs(number) > _LARGEST:
            raise ValueError
        return number
    if not isinstance(value, list | tuple) or len(value) != shape[0]:
        raise ValueError
    return tuple(_numbers(one, *shape[1:]) for one in value)


def _number(value: object) -> float:
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


def _bad_start(template: str, **values: str | float) -> BadRecipe:
    return BadRecipe("bad_recipe", template, field="mixture", **values)
