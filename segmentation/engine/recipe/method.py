"""The recipe: all parameters of the method in one frozen dataclass."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, Self

from segmentation.engine.exceptions import BadRecipe, gettext_noop
from segmentation.engine.recipe.fields import (
    AUTO,
    BooleanField,
    ChoiceField,
    Field,
    IntegerField,
    IntegerOrAutoField,
    RealField,
)

SCHEMA = 2
"""The newest recipe schema that this release understands: 1, and 2 with the preset *Areas* and the covariance `mixed`."""

_WITHOUT_MIXED = 1

MIN_CLUSTERS, MAX_CLUSTERS = 2, 32
MAX_REGIONS = 254  # label values 0 to 253
MAX_SEED = 2**32 - 1


class Preset(StrEnum):
    """The algorithm."""

    COLOURS = "colours"  # a Gaussian mixture of pixels; each pixel is labelled by itself
    AREAS = "areas"  # the same for measuring areas: pixels on borders are shared between the two sides
    REGIONS = "regions"  # connected regions; each is a component


class Features(StrEnum):
    """The colour space of the features."""

    RGB = "rgb"  # the bands themselves, in full bit depth
    LAB = "lab"  # CIE L*a*b*, D65
    GRAY = "gray"  # lightness only
    OD = "od"  # optical density, for stains


class Covariance(StrEnum):
    """The covariance family of the mixture; all but `mixed` are those of `covariance_type` in scikit-learn."""

    FULL = "full"
    TIED = "tied"
    DIAG = "diag"
    SPHERICAL = "spherical"
    MIXED = "mixed"  # pure pixels, mixed pixels between two components, and outliers; labels by a tied mixture

    @property
    def of_labels(self) -> "Covariance":
        """The family of the mixture that labels pixels."""
        return Covariance.TIED if self is Covariance.MIXED else self


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All parameters of the method.

    Raises
    ------
    BadRecipe
        When a value has the wrong type or is out of range.
    """

    preset: Preset = Preset.COLOURS
    n_clusters: int | None = 3  # 2 to 32, at most the distinct colours; 2 to 254 regions. None: chosen by the engine
    # The preset Regions ignores all parameters below.
    features: Features = Features.RGB
    texture: int = 0  # number of scales at which local contrast is a feature: 0, 1 or 2
    position: bool = False  # whether the position of a pixel is a feature
    covariance: Covariance = Covariance.FULL  # full, the default of Colours, becomes mixed with the preset Areas
    smoothness: float = 0.0  # strength of the Markov random field: 0 (each pixel by itself) to 1
    smallest_region: float = 0.0  # share of the picture below which connected regions are merged, 0 to 0.1
    seed: int = 0  # of the random sample and initialisation, 0 to 2^32 - 1
    restarts: int = 2  # initialisations, of which the best is kept, 1 to 20
    tolerance: float = 1e-5  # expected gain of a step, in mean nats per pixel, below which EM ends, 1e-9 to 0.1
    max_iterations: int = 100  # EM evaluations, 1 to 10,000
    exact: bool = False  # whether the fit continues from a sample to all pixels

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(
                self, field.name, _field(field.name, self.preset).parse(field.name, getattr(self, field.name))
            )
        if self.preset is Preset.AREAS and self.covariance is Covariance.FULL:
            object.__setattr__(self, "covariance", Covariance.MIXED)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Parse a JSON object or the fields of a form; numbers may be given as text.

        Without `n_clusters`, the preset *Regions* lets the engine choose it.

        Raises
        ------
        BadRecipe
            For an unknown field, a newer schema, or a value that has the wrong type or is out of range.
        """
        given = dict(mapping)
        schema = IntegerField(1, 2**31).parse("schema", given.pop("schema", SCHEMA))
        if schema > SCHEMA:
            raise BadRecipe(
                template=gettext_noop("This recipe was written by a newer release (schema %(schema)s)."), schema=schema
            )
        if unknown := sorted(set(given) - _FIELDS.keys()):
            raise BadRecipe(
                template=gettext_noop("“%(field)s” is not a setting of a recipe."), field=str(unknown[0])[:100]
            )
        if str(given.get("preset", "")).strip().lower() == Preset.REGIONS:
            given.setdefault("n_clusters", None)
        return cls(**given)

    def extracts_same_features(self, other: Self) -> bool:
        """Return whether both recipes extract the same features, so that a mixture of one can be used with the other."""
        names = ("features", "texture", "position")
        same_kind = (self.preset is Preset.REGIONS) == (other.preset is Preset.REGIONS)
        return same_kind and all(getattr(self, name) == getattr(other, name) for name in names)

    def for_preview(self) -> Self:
        """Return a recipe that finds about the same clusters faster: one initialisation, few EM steps, and no smoothing.

        The full run can start from the mixture of the preview.
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
        """Return the recipe as a JSON object with its schema number; `from_mapping` is its inverse.

        The schema is the oldest that has the values in use, so that workers of older releases can process these runs.
        """
        values = {name: str(value) if isinstance(value, StrEnum) else value for name, value in asdict(self).items()}
        has_mixed = self.preset is Preset.AREAS or self.covariance is Covariance.MIXED
        return {
            "schema": SCHEMA if has_mixed else _WITHOUT_MIXED,
            **values,
            "n_clusters": AUTO if self.n_clusters is None else self.n_clusters,
        }


_FIELDS: dict[str, Field] = {
    "preset": ChoiceField(Preset),
    "n_clusters": IntegerOrAutoField(IntegerField(MIN_CLUSTERS, MAX_CLUSTERS)),
    "features": ChoiceField(Features),
    "texture": IntegerField(0, 2),
    "position": BooleanField(),
    "covariance": ChoiceField(Covariance),
    "smoothness": RealField(0.0, 1.0),
    "smallest_region": RealField(0.0, 0.1),
    "seed": IntegerField(0, MAX_SEED),
    "restarts": IntegerField(1, 20),
    "tolerance": RealField(1e-9, 0.1),
    "max_iterations": IntegerField(1, 10_000),
    "exact": BooleanField(),
}
_N_REGIONS = IntegerOrAutoField(IntegerField(MIN_CLUSTERS, MAX_REGIONS))


def _field(field: str, preset: object) -> Field:
    return _N_REGIONS if field == "n_clusters" and preset == Preset.REGIONS else _FIELDS[field]
