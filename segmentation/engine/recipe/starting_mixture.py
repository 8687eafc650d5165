"""A mixture where a fit begins, as it comes in: parsed, with nothing taken on trust."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from segmentation.engine.exceptions import BadRecipe, gettext_noop
from segmentation.engine.recipe.fields import ChoiceField, finite_number
from segmentation.engine.recipe.method import MAX_CLUSTERS, Covariance

MAX_VALUES = 20  # of a pixel: 16 bands, two scales of texture, two of position
_SCHEMA = 1
_FIELDS = {"schema", "weights", "means", "covariances"}
_LARGEST = 1e18  # in a mixture; no picture needs it, and squares of it still are numbers
_NEARLY = 1e-6  # weights of a finished fit are rounded to 24 bits
_UNITS = gettext_noop(
    "The units of the starting mixture must have an offset and a scale above 0 for each band, all finite and below 1e18."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BandUnits:
    """What units are in values of a picture: value = offset + scale * unit, band by band."""

    offset: tuple[float, ...]  # B
    scale: tuple[float, ...]  # B, above 0

    @classmethod
    def from_mapping(cls, mapping: object) -> Self:
        """Parse `offset` and `scale`, as they stand in the `features` of a `run.json`; raises BadRecipe."""
        if not isinstance(mapping, Mapping) or not {"offset", "scale"} <= set(mapping):
            raise invalid_starting_mixture(_UNITS)
        try:
            n_bands = len(mapping["offset"])
            offset, scale = (_numbers(mapping[name], n_bands) for name in ("offset", "scale"))
        except (TypeError, ValueError):
            raise invalid_starting_mixture(_UNITS) from None
        if not 1 <= n_bands <= MAX_VALUES or min(scale) <= 0:
            raise invalid_starting_mixture(_UNITS)
        return cls(offset=offset, scale=scale)

    def to_mapping(self) -> dict[str, Any]:
        """A JSON object; `from_mapping` is its inverse."""
        return {"offset": list(self.offset), "scale": list(self.scale)}


@dataclass(frozen=True, slots=True, kw_only=True)
class StartingMixture:
    """The numbers of a mixture where a fit begins: K components over D values a pixel.

    That the covariances are those of Gaussians shows when the engine makes a mixture of them.
    """

    weights: tuple[float, ...]  # K, positive, sum 1
    means: tuple[tuple[float, ...], ...]  # K x D
    covariances: tuple[tuple[tuple[float, ...], ...], ...]  # K x D x D
    covariance_type: Covariance
    units: BandUnits | None = None  # of the picture that it was fitted to; None: those of the picture at hand

    @classmethod
    def from_mapping(cls, mapping: object) -> Self:
        """Parse what `Mixture.to_mapping` writes, which stands in the `run.json` of every run.

        Raises
        ------
        BadRecipe
            For what is no mixture: fields, shapes, numbers that are not finite, weights that are no shares.
        """
        if not isinstance(mapping, Mapping) or set(mapping) - {"covariance_type", "units"} != _FIELDS:
            raise invalid_starting_mixture(
                gettext_noop("The starting mixture must have schema, weights, means, covariances and covariance_type.")
            )
        if mapping["schema"] != _SCHEMA:
            raise invalid_starting_mixture(gettext_noop("The starting mixture was written by another release."))
        family = ChoiceField(Covariance).parse("mixture", mapping.get("covariance_type", Covariance.FULL))
        units = None if mapping.get("units") is None else BandUnits.from_mapping(mapping["units"])
        return cls(covariance_type=Covariance(family), units=units, **_shaped(mapping))

    @classmethod
    def of_result(cls, mixture: object, features: object) -> Self:
        """Of a finished run, from `mixture` and `features` of its `run.json`; runs of early releases have None of these.

        Where units are values of the picture themselves, as of 8 bits, they need not be told.

        Raises
        ------
        BadRecipe
            As of `from_mapping`.
        """
        start = cls.from_mapping(mixture)
        units = None if features is None else BandUnits.from_mapping(features)
        is_plain = units is None or (set(units.offset) == {0.0} and set(units.scale) == {1.0})
        return start if is_plain else replace(start, units=units)

    def to_mapping(self) -> dict[str, Any]:
        """The mixture as a JSON object; `from_mapping` is its inverse."""
        mapping = {
            "schema": _SCHEMA,
            "weights": list(self.weights),
            "means": [list(mean) for mean in self.means],
            "covariances": [[list(row) for row in matrix] for matrix in self.covariances],
            "covariance_type": str(self.covariance_type),
        }
        return mapping if self.units is None else {**mapping, "units": self.units.to_mapping()}


def invalid_starting_mixture(template: str, **values: str | float) -> BadRecipe:
    """What is wrong with a starting mixture."""
    return BadRecipe("bad_recipe", template, field="mixture", **values)


def _shaped(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Weights (K), means (K, D) and covariances (K, D, D) of a mapping, as tuples."""
    try:
        clusters, values = len(mapping["weights"]), len(mapping["means"][0])
        shapes = {"weights": (clusters,), "means": (clusters, values), "covariances": (clusters, values, values)}
        if not (1 <= clusters <= MAX_CLUSTERS and 1 <= values <= MAX_VALUES):
            raise invalid_starting_mixture(
                gettext_noop("The starting mixture must have 1 to %(clusters)s clusters of 1 to %(values)s values."),
                clusters=MAX_CLUSTERS,
                values=MAX_VALUES,
            )
        numbers = {name: _numbers(mapping[name], *shape) for name, shape in shapes.items()}
    except (TypeError, ValueError, LookupError):
        raise invalid_starting_mixture(
            gettext_noop(
                "The starting mixture must have K weights, K means of D values and K covariances of D x D, all finite and below 1e18."
            )
        ) from None
    if min(numbers["weights"]) <= 0 or abs(sum(numbers["weights"]) - 1) > _NEARLY:
        raise invalid_starting_mixture(gettext_noop("The weights of the starting mixture must be above 0, with sum 1."))
    return numbers


def _numbers(value: object, *shape: int) -> Any:
    """Lists of a shape, one in the other, as tuples of the numbers of a mixture; raises ValueError for anything else."""
    if not shape:
        number = finite_number(value)
        if abs(number) > _LARGEST:
            raise ValueError
        return number
    if not isinstance(value, list | tuple) or len(value) != shape[0]:
        raise ValueError
    return tuple(_numbers(one, *shape[1:]) for one in value)
