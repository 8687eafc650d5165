"""The mixture from which a fit begins, parsed and validated from untrusted JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from segmentation.engine.exceptions import BadRecipe, gettext_noop
from segmentation.engine.recipe.fields import ChoiceField, finite_number
from segmentation.engine.recipe.method import MAX_CLUSTERS, Covariance

MAX_FEATURES = 20  # of a pixel: 16 bands, two scales of texture, two of position
_SCHEMA = 1
_FIELDS = {"schema", "weights", "means", "covariances"}
_LARGEST = 1e18  # largest magnitude of a number; beyond any picture, and its square is finite
_LEAST_WEIGHT = 1e-30  # fits leave none below 1e-18, and single precision, in which results are kept, holds it
_WEIGHT_TOLERANCE = 1e-6  # of the sum of the weights, which are rounded to 24 bits
_UNITS = gettext_noop(
    "The units of the starting mixture must have an offset and a scale above 0 for each band, all finite and below 1e18."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BandUnits:
    """The conversion from units of a mixture to values of a picture: value = offset + scale * unit, band by band."""

    offset: tuple[float, ...]  # (B,)
    scale: tuple[float, ...]  # (B,), above 0

    @classmethod
    def from_mapping(cls, mapping: object) -> Self:
        """Parse `offset` and `scale` in the form of `features` in a `run.json`; raises BadRecipe."""
        if not isinstance(mapping, Mapping) or not {"offset", "scale"} <= set(mapping):
            raise invalid_starting_mixture(_UNITS)
        try:
            n_bands = len(mapping["offset"])
            offset, scale = (_numbers(mapping[name], n_bands) for name in ("offset", "scale"))
        except (TypeError, ValueError):
            raise invalid_starting_mixture(_UNITS) from None
        if not 1 <= n_bands <= MAX_FEATURES or min(scale) <= 0:
            raise invalid_starting_mixture(_UNITS)
        return cls(offset=offset, scale=scale)

    def to_mapping(self) -> dict[str, Any]:
        """Return a JSON object; `from_mapping` is its inverse."""
        return {"offset": list(self.offset), "scale": list(self.scale)}


@dataclass(frozen=True, slots=True, kw_only=True)
class StartingMixture:
    """The parameters of a mixture from which a fit begins: K components over D features.

    Whether the covariances are positive definite is checked later, when the engine makes a `Mixture` of them.
    """

    weights: tuple[float, ...]  # (K,), at least 1e-30, sum 1
    means: tuple[tuple[float, ...], ...]  # (K, D)
    covariances: tuple[tuple[tuple[float, ...], ...], ...]  # (K, D, D)
    covariance_type: Covariance
    units: BandUnits | None = None  # of the picture that it was fitted to; None: those of the picture to be segmented

    @classmethod
    def from_mapping(cls, mapping: object) -> Self:
        """Parse the output of `Mixture.to_mapping`, as it is in the `run.json` of every run.

        Raises
        ------
        BadRecipe
            When fields are missing or unknown, shapes do not agree, a number is not finite, or the weights do not sum to 1.
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

    def to_mapping(self) -> dict[str, Any]:
        """Return the mixture as a JSON object; `from_mapping` is its inverse."""
        mapping = {
            "schema": _SCHEMA,
            "weights": list(self.weights),
            "means": [list(mean) for mean in self.means],
            "covariances": [[list(row) for row in matrix] for matrix in self.covariances],
            "covariance_type": str(self.covariance_type),
        }
        return mapping if self.units is None else {**mapping, "units": self.units.to_mapping()}


def invalid_starting_mixture(template: str, **values: str | float) -> BadRecipe:
    """Return the error for a starting mixture."""
    return BadRecipe("bad_recipe", template, field="mixture", **values)


def _shaped(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Return the weights (K,), means (K, D) and covariances (K, D, D) of a mapping, as tuples."""
    try:
        clusters, values = len(mapping["weights"]), len(mapping["means"][0])
        shapes = {"weights": (clusters,), "means": (clusters, values), "covariances": (clusters, values, values)}
        if not (1 <= clusters <= MAX_CLUSTERS and 1 <= values <= MAX_FEATURES):
            raise invalid_starting_mixture(
                gettext_noop("The starting mixture must have 1 to %(clusters)s clusters of 1 to %(values)s values."),
                clusters=MAX_CLUSTERS,
                values=MAX_FEATURES,
            )
        numbers = {name: _numbers(mapping[name], *shape) for name, shape in shapes.items()}
    except (TypeError, ValueError, LookupError):
        raise invalid_starting_mixture(
            gettext_noop(
                "The starting mixture must have K weights, K means of D values and K covariances of D x D, all finite and below 1e18."
            )
        ) from None
    if min(numbers["weights"]) < _LEAST_WEIGHT or abs(sum(numbers["weights"]) - 1) > _WEIGHT_TOLERANCE:
        raise invalid_starting_mixture(
            gettext_noop("The weights of the starting mixture must be at least 1e-30, with sum 1.")
        )
    return numbers


def _numbers(value: object, *shape: int) -> Any:
    """Return nested lists of the given shape as nested tuples of floats; raises ValueError for anything else."""
    if not shape:
        number = finite_number(value)
        if abs(number) > _LARGEST:
            raise ValueError
        return number
    if not isinstance(value, list | tuple) or len(value) != shape[0]:
        raise ValueError
    return tuple(_numbers(one, *shape[1:]) for one in value)
