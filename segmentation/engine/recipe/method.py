"""Every parameter of the method, as one value."""

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

SCHEMA = 1
"""The newest recipe schema that this release understands."""

MIN_CLUSTERS, MAX_CLUSTERS = 2, 32
MAX_REGIONS = 254  # label values 0 to 253
MAX_SEED = 2**32 - 1


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
    tolerance: float = 1e-5  # mean nats per pixel that a step must promise, 1e-9 to 0.1
    max_iterations: int = 100  # evaluations of EM, 1 to 10,000
    exact: bool = False  # whether the fit goes on from a sample to all pixels

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(
                self, field.name, _field(field.name, self.preset).parse(field.name, getattr(self, field.name))
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
        """Whether a pixel is the same values to both, so that a mixture of one means the same to the other."""
        names = ("preset", "features", "texture", "position")
        return all(getattr(self, name) == getattr(other, name) for name in names)

    def for_preview(self) -> Self:
        """The same clusters in a fraction of the time: one start, a few steps of EM, every pixel by itself.

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
