"""A result as artefacts read it, wherever it comes from: an outcome in memory, or rows and files of a site."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm import Component, Mixture
from segmentation.engine.gmm.features.extraction import value_names
from segmentation.engine.gmm.features.units import Units
from segmentation.engine.imaging import Header, Notice, index_png
from segmentation.engine.legend import ClusterStatistics, Legend, cluster_statistics, foreground_share
from segmentation.engine.model import FittedModel
from segmentation.engine.recipe import Inputs, Preset, Recipe

Values = NDArray[np.generic]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureDetails:
    """What is known of a picture's file."""

    name: str  # as people call it
    sha256: str
    size: int  # in bytes
    header: Header | None  # as it stands in the file, before orientation and conversion; None when it is not known
    notices: tuple[Notice, ...]  # what was converted, reduced or ignored when it was read


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Pixels of a result."""

    width: int  # upright
    height: int
    valid_pixels: int  # with data, and not left out by a mask
    left_out_pixels: int  # by the mask, with data or without
    fitted_pixels: int  # that the mixture was fitted to
    distinct_colours: int  # among them


@dataclass(frozen=True, slots=True, kw_only=True)
class FitDetails:
    """How a fit ended, and what the result is known by."""

    pixels_sha256: str  # of the component map's pixels
    log_likelihood: float  # mean, nats a pixel
    iterations: int
    converged: bool
    features: Mapping[str, Any]  # names of the mixture's values, and their units
    seconds: Mapping[str, float]  # by stage
    versions: Mapping[str, str]  # of what the bytes depend on
    applied_model: str | None = None  # SHA-256 of the fitted model; None when the mixture was fitted to this picture


class Source(ABC):
    """One result. Nothing is read or parsed before it is asked for, and then once.

    Subclasses give the parts, as attributes or cached properties.
    """

    recipe: Recipe
    inputs: Inputs
    picture: PictureDetails
    counts: Counts
    details: FitDetails
    mixture: Mixture
    components: tuple[Component, ...]
    legend: Legend
    is_complete: bool = True  # whether features, counts and header are known; results of earlier releases can lack them
    revision: int  # number of the legend, 0 for the first
    components_png: bytes  # the component map as a palette PNG
    fit: Mapping[str, NDArray[Any]]  # the arrays of ``fit.npz``
    outputs: Mapping[str, bytes] | None = None  # the files that go with run.json, by name; None: the standard ones

    @abstractmethod
    def values_and_colours(self) -> tuple[Values, NDArray[np.uint8]]:
        """Read the values (H, W, B) of the picture as they were fitted, and its colours (H, W, 3) as displayed."""

    @property
    def has_regions(self) -> bool:
        """Whether the result is of the preset *Regions*, whose mixture says nothing of single pixels."""
        return self.recipe.preset is Preset.REGIONS

    @property
    def units(self) -> Units | None:
        """The units of the mixture; None when they are not known."""
        features = self.details.features
        return Units.from_mapping(features) if features else None

    @property
    def model(self) -> FittedModel:
        """The fitted model, to label other pictures or to begin another fit.

        Raises
        ------
        SegmentationError
            As `FittedModel`: a result of the preset *Regions* has none.
        """
        units = self.units or Units.identity(3)  # early releases fitted red, green and blue of 8 bits
        return FittedModel(
            recipe=self.recipe,
            features=tuple(self.details.features.get("names", value_names(self.recipe, 3))),
            units=units,
            mixture=self.mixture,
            legend=self.legend,
        )

    @cached_property
    def labels(self) -> NDArray[np.uint8]:
        """The component map (H, W), decoded; 254 unassigned, 255 no data."""
        return index_png.decode(self.components_png)

    @cached_property
    def clusters(self) -> Sequence[ClusterStatistics]:
        """The statistics of each cluster, in order."""
        return cluster_statistics(self.legend, self.components)

    @property
    def foreground_share(self) -> float:
        """The share of the foreground in the pixels with data, 0 to 1."""
        return foreground_share(self.clusters)
