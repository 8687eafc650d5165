import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from segmentation.engine import legend as legends
from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.gmm import Mixture, Segmentation, apply, segment
from segmentation.engine.gmm.features.units import Units
from segmentation.engine.legend import Legend
from segmentation.engine.progress import OnProgress
from segmentation.engine.recipe import Preset, Recipe

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FittedModel:
    """A mixture with its features, their units, and the legend of its components.

    Raises
    ------
    SegmentationError
        With `invalid_request` for the preset *Regions*, whose mixture applies to one picture only, or when the shapes of
        features, mixture and legend do not agree.
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
                gettext_noop("Regions belong to one picture: only a run of the preset Colours leaves a model."),
            )
        held = sum(len(cluster.components) for cluster in self.legend.clusters)
        if (held, len(self.features)) != self.mixture.means.shape:
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
            With as many bands as the picture that the model was fitted to.
        valid : ndarray, shape (H, W), bool, or None
            Which pixels are valid; None means all.
        shown : ndarray, shape (H, W, 3), uint8, or None
            The picture as displayed, for the colours of components.
        on_progress : callable or None
            Called with the stage and the fraction of it that is done.

        Raises
        ------
        SegmentationError
            ``empty``: no pixel is valid; ``invalid_request``: the picture has another number of bands than the model.
        TypeError, ValueError
            The arrays are not of the stated types and shapes.
        """
        return apply(pixels, self.recipe, self.mixture, self.units, valid=valid, shown=shown, on_progress=on_progress)

    def log_likelihood(self, pixels: NDArray[np.generic], *, valid: NDArray[np.bool_] | None = None) -> float:
        """Return the mean log-likelihood of the model on a sample of a picture's pixels, in nats per pixel."""
        return self.apply(pixels, valid=valid).log_likelihood

    def to_mapping(self) -> dict[str, Any]:
        """Return the model as a JSON object with its schema number; `from_mapping` is its inverse."""
        return {
            "schema": SCHEMA,
            "recipe": self.recipe.to_mapping(),
            "features": {"names": list(self.features), **self.units.to_mapping()},
            "mixture": self.mixture.to_mapping(),
            "legend": self.legend.to_mapping(),
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
        if not isinstance(mapping, Mapping) or not {"recipe", "features", "mixture"} <= set(mapping):
            raise _unreadable()
        if mapping.get("schema") != SCHEMA:
            raise SegmentationError(
                "invalid_request", gettext_noop("This model was written by another release of the program.")
            )
        try:
            features, mixture = mapping["features"], Mixture.from_mapping(mapping["mixture"])
            names, units = tuple(map(str, features["names"])), Units.from_mapping(features)
            mixture.theta()  # raises when a covariance is not positive definite
        except (TypeError, ValueError, KeyError, AttributeError, np.linalg.LinAlgError):
            raise _unreadable() from None
        legend = Legend.from_mapping(mapping.get("legend") or {"clusters": mapping.get("clusters")})
        return cls(
            recipe=Recipe.from_mapping(mapping["recipe"]), features=names, units=units, mixture=mixture, legend=legend
        )

    def to_json(self) -> str:
        """Return `to_mapping` as text; every number keeps all its bits."""
        return json.dumps(self.to_mapping())

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse the text of `to_json` or of a `run.json`; raises as `from_mapping`."""
        try:
            return cls.from_mapping(json.loads(text))
        except ValueError:
            raise _unreadable() from None


def _unreadable() -> SegmentationError:
    return SegmentationError(
        "invalid_request", gettext_noop("This is not a fitted model: use an exported model or a run.json.")
    )
