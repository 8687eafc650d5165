"""A result as artefacts read it, wherever it comes from: an outcome in memory, or rows and files of a site."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm import Component, Coverage, Hint, Mixture
from segmentation.engine.gmm.mixed_pixels.hints import hints
from segmentation.engine.imaging import Header, Notice, index_png
from segmentation.engine.legend import ClusterStatistics, Legend, cluster_statistics, foreground_share
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
    coverage: Coverage | None = None  # areas by coverage; None unless the fit has mixed pixels
    gain: float | None = None  # of the log-likelihood by mixed pixels, see `Segmentation`; None when it is not known
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

    @cached_property
    def labels(self) -> NDArray[np.uint8]:
        """The component map (H, W), decoded; 254 unassigned, 255 no data."""
        return index_png.decode(self.components_png)

    @cached_property
    def clusters(self) -> Sequence[ClusterStatistics]:
        """The statistics of each cluster, in order."""
        return cluster_statistics(self.legend, self.components, self.coverage)

    @cached_property
    def hints(self) -> Sequence[Hint]:
        """What people should know of the areas, as codes."""
        return hints(self.coverage, self.gain, self.legend.groups)

    @property
    def foreground_share(self) -> float:
        """The share of the foreground in the pixels with data, 0 to 1."""
        return foreground_share(self.clusters)
