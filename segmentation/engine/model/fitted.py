import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from segmentation.engine import legend as legends
from segmentation.engine.exceptions import BadRecipe, SegmentationError, gettext_noop
from segmentation.engine.gmm import Mixture, Segmentation, apply, segment
from segmentation.engine.gmm.features.extraction import value_names
from segmentation.engine.gmm.features.units import Units
from segmentation.engine.legend import Legend
from segmentation.engine.progress import OnProgress
from segmentation.engine.recipe import BandUnits, Preset, Recipe, StartingMixture

SCHEMA = 1
_SCHEMAS_OF_RUN_JSON = {1, 2}  # the parts that a model consists of are the same in both


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedModel:
    """A mixture with everything that is needed to apply it to other pictures: features, their units, and a legend.

    `fit` makes one from a picture, and `from_json` reads one from the `run.json` of a finished run. `apply` labels another
    picture of as many bands and the same depth (8 bits, more bits, or real numbers).

    Raises
    ------
    SegmentationError
        With `invalid_request` for the preset *Regions*, whose mixture applies to one picture only, or when recipe, features,
        units, mixture and legend do not agree.

    Examples
    --------
    >>> pixels = np.repeat(np.array([[[20, 40, 60]], [[200, 180, 160]]], np.uint8), 5, axis=1)
    >>> model = FittedModel.fit(pixels, Recipe(n_clusters=2))
    >>> model.apply(pixels[::-1]).labels[:, 0].tolist()
    [1, 0]
    """

    recipe: Recipe  # how features are extracted, and how labels are smoothed and small regions merged
    features: tuple[str, ...]  # (D,) names of the features
    units: Units  # value of a picture = offset + scale * unit, band by band
    mixture: Mixture  # K components over D features
    legend: Legend  # of the K components

    def __post_init__(self) -> None:
        if self.recipe.preset is Preset.REGIONS:
            raise SegmentationError(
                "invalid_request",
                gettext_noop(
                    "Regions belong to one picture: only a run of the preset Colours or Areas leaves a model."
                ),
            )
        held = sum(len(cluster.components) for cluster in self.legend.clusters)
        names = value_names(self.recipe, len(self.units.offset))
        if self.features != names or (held, len(names)) != self.mixture.means.shape:
            raise SegmentationError(
                "invalid_request", gettext_noop("The features, mixture and legend of this model do not match.")
            )

    @classmethod
    def fit(
        cls,
        pixels: NDArray[np.generic],
        recipe: Recipe,
        *,
        valid: NDArray[np.bool_] | None = None,
        shown: NDArray[np.uint8] | None = None,
        on_progress: OnProgress | None = None,
    ) -> Self:
        """Fit a model to a picture; parameters and errors as in `segmentation.engine.gmm.segment`."""
        result = segment(pixels, recipe, valid=valid, shown=shown, on_progress=on_progress)
        return cls.of(result, recipe, legends.initial_legend(result.components))

    @classmethod
    def of(cls, result: Segmentation, recipe: Recipe, legend: Legend) -> Self:
        """Return the model of a segmentation, with a legend of its components."""
        return cls(recipe=recipe, features=result.names, units=result.units, mixture=result.mixture, legend=legend)

    @property
    def starting_mixture(self) -> StartingMixture:
        """The mixture, from which a fit of another picture can begin.

        It has the units of the model, unless these are the values of the picture, as for 8 bits.
        """
        start, units = StartingMixture.from_mapping(self.mixture.to_mapping()), self.units
        is_plain = set(units.offset) == {0.0} and set(units.scale) == {1.0}
        return start if is_plain else replace(start, units=BandUnits(offset=units.offset, scale=units.scale))

    @property
    def sha256(self) -> str:
        """SHA-256 of the text of `to_json`: equal for equal models, whatever file they were read from."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def apply(
        self,
        pixels: NDArray[np.generic],
        *,
        valid: NDArray[np.bool_] | None = None,
        shown: NDArray[np.uint8] | None = None,
        on_progress: OnProgress | None = None,
    ) -> Segmentation:
        """Label a picture with the most probable components of the model, without fitting.

        Applied to the picture that the model was fitted to, with the same mask, it gives the labels of that fit.

        Parameters
        ----------
        pixels : ndarray, shape (H, W) or (H, W, B), integers or real numbers
            With as many bands as the picture that the model was fitted to, and in the same depth.
        valid : ndarray, shape (H, W), bool, or None
            Which pixels are valid; None means all.
        shown : ndarray, shape (H, W, 3), uint8, or None
            The picture as displayed, for the colours of components.
        on_progress : callable or None
            Called with the stage and the fraction of it that is done.

        Raises
        ------
        SegmentationError
            ``empty``: no pixel is valid; ``invalid_request``: the picture has another number of bands or another depth than
            the picture that the model was fitted to.
        TypeError, ValueError
            The arrays are not of the stated types and shapes.
        """
        return apply(pixels, self.recipe, self.mixture, self.units, valid=valid, shown=shown, on_progress=on_progress)

    def log_likelihood(self, pixels: NDArray[np.generic], *, valid: NDArray[np.bool_] | None = None) -> float:
        """Return the mean log-likelihood of the model on a sample of a picture's pixels, in nats per pixel.

        Raises as `apply`.
        """
        return self.apply(pixels, valid=valid).log_likelihood

    def to_mapping(self) -> dict[str, Any]:
        """Return the model as a JSON object with its schema number, a part of a `run.json`; `from_mapping` is its inverse."""
        return {
            "schema": SCHEMA,
            "recipe": self.recipe.to_mapping(),
            "features": {"names": list(self.features), **self.units.to_mapping()},
            "mixture": self.mixture.to_mapping(),
            "clusters": [cluster.to_mapping() for cluster in self.legend.clusters],
        }

    @classmethod
    def from_mapping(cls, mapping: object) -> Self:
        """Parse a JSON object that `to_mapping` has written, or a `run.json`.

        Raises
        ------
        SegmentationError
            With `invalid_request` for another schema, or a mapping that is not a model.
        BadRecipe
            When its recipe cannot be parsed.
        """
        if not isinstance(mapping, Mapping) or not {"recipe", "features", "mixture", "clusters"} <= set(mapping):
            raise _unreadable()
        if mapping.get("schema") not in {SCHEMA, *_SCHEMAS_OF_RUN_JSON}:
            raise SegmentationError(
                "invalid_request", gettext_noop("This model was written by another release of the program.")
            )
        try:
            names, units = tuple(map(str, mapping["features"]["names"])), Units.from_mapping(mapping["features"])
        except (TypeError, ValueError, KeyError, AttributeError):
            raise _unreadable() from None
        return cls(
            recipe=_parsed_recipe(mapping["recipe"]),
            features=names,
            units=units,
            mixture=_parsed_mixture(mapping["mixture"]),
            legend=Legend.from_mapping({"clusters": mapping["clusters"]}),
        )

    def to_json(self) -> str:
        """Return `to_mapping` as text; every number keeps all its bits."""
        return json.dumps(self.to_mapping())

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse the text of `to_json` or of a `run.json`; raises as `from_mapping`."""
        try:
            mapping = json.loads(text)
        except (ValueError, RecursionError):
            raise _unreadable() from None
        return cls.from_mapping(mapping)


def _parsed_recipe(mapping: object) -> Recipe:
    if not isinstance(mapping, Mapping):
        raise _unreadable()
    return Recipe.from_mapping(mapping)


def _parsed_mixture(mapping: object) -> Mixture:
    try:
        mixture = Mixture.from_mapping(StartingMixture.from_mapping(mapping).to_mapping())
    except BadRecipe:
        raise _unreadable() from None
    if not mixture.is_definite:
        raise _unreadable()
    return mixture


def _unreadable() -> SegmentationError:
    return SegmentationError(
        "invalid_request",
        gettext_noop(
            "This is not a fitted model: choose the run.json of a finished run of the preset Colours or Areas."
        ),
    )
