"""The interface through which artefacts read a result, whether it is in memory or in a database."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm import Component, Coverage, CoveredArea, Hint, Mixture
from segmentation.engine.gmm.features.extraction import value_names
from segmentation.engine.gmm.features.units import Units
from segmentation.engine.gmm.mixed_pixels.hints import hints
from segmentation.engine.gmm.statistics.bands import BandSums
from segmentation.engine.imaging import FileDescription, Header, Notice, index_png
from segmentation.engine.imaging.areas import MapAreas
from segmentation.engine.legend import ClusterStatistics, Legend, cluster_statistics, foreground_share
from segmentation.engine.model import FittedModel
from segmentation.engine.recipe import Inputs, Preset, Recipe

Values = NDArray[np.generic]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureDetails:
    """Name, hash, size and header of the file of a picture."""

    name: str  # of the file
    sha256: str
    size: int  # in bytes
    header: Header | None  # as stored in the file; None when it is not known
    notices: tuple[Notice, ...]  # what was converted, reduced or ignored when it was read
    description: (
        FileDescription  # what the file contains besides pixels, with the size of a pixel that a person has given
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Numbers of pixels of a result."""

    width: int  # of the upright picture
    height: int
    valid_pixels: int  # with data, and not left out by a mask
    left_out_pixels: int  # left out by the mask, with data or without
    fitted_pixels: int  # to which the mixture was fitted
    distinct_colours: int  # among the fitted pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class FitDetails:
    """Figures of a fit, and the hash of its result."""

    pixels_sha256: str  # of the component map, by `pipeline.pixels_sha256`
    log_likelihood: float  # mean, nats a pixel
    iterations: int
    converged: bool
    features: Mapping[str, Any]  # names of the features, and their units
    seconds: Mapping[str, float]  # by stage
    versions: Mapping[str, str]  # of the software, by name
    applied_model: str | None = None  # SHA-256 of the fitted model; None when the mixture was fitted to this picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Mean and standard deviation of a band over the pixels of a cluster, in the picture's own values."""

    name: str | None  # as in the file; None when it has none
    mean: float
    sd: float


class Source(ABC):
    """A result. Subclasses have its parts as attributes, or as cached properties that read each part when it is needed."""

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
    map_areas: MapAreas | None  # by the size and the place of pixels in the file; None for results of earlier releases
    band_sums: BandSums | None  # None for pictures of 8 bits and for results of earlier releases
    components_png: bytes  # the component map as a palette PNG
    fit: Mapping[str, NDArray[Any]]  # the arrays of ``fit.npz``
    outputs: Mapping[str, bytes] | None = None  # files that run.json lists, by name; None: the standard ones

    @abstractmethod
    def values_and_colours(self) -> tuple[Values, NDArray[np.uint8]]:
        """Return the values (H, W, B) of the picture from which features are extracted, and its displayed colours (H, W, 3)."""

    @cached_property
    def units(self) -> Units | None:
        """The units of the features; None when a release that did not store them has made the result."""
        features = self.details.features
        return Units.from_mapping(features) if "scale" in features else None

    @property
    def has_regions(self) -> bool:
        """Whether the result is of the preset *Regions*, whose mixture does not apply to single pixels."""
        return self.recipe.preset is Preset.REGIONS

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
        return cluster_statistics(self.legend, self.components, self.coverage)

    @cached_property
    def hints(self) -> Sequence[Hint]:
        """What people should know of the areas, as codes."""
        return hints(self.coverage, self.gain, self.legend.groups)

    @cached_property
    def areas(self) -> MapAreas:
        """The area of each component: by the size that a person has given, else as the run has measured it."""
        description = self.picture.description
        if self.map_areas is not None and not description.has_size_of_person:
            return self.map_areas
        return MapAreas.of_counts([component.pixels for component in self.components], description.pixel_size)

    @cached_property
    def cluster_areas(self) -> tuple[float, ...]:
        """The area of each cluster, in order, in the unit of `areas`."""
        areas = self.areas.components
        return tuple(sum(areas[k] for k in cluster.components) for cluster in self.legend.clusters)

    def bands_of(self, cluster: ClusterStatistics) -> tuple[Band, ...]:
        """Return mean and spread of each band over the pixels of a cluster; none where they are not known."""
        found = () if self.band_sums is None else self.band_sums.of(cluster.components)
        layout = self.picture.description.layout
        names = () if layout is None else layout.channel_names
        return tuple(
            Band(name=names[k] if len(names) == len(found) else None, mean=band.mean, sd=band.sd)
            for k, band in enumerate(found)
        )

    @property
    def foreground_share(self) -> float:
        """The share of the foreground in the pixels with data, 0 to 1."""
        return foreground_share(self.clusters)

    @property
    def foreground_coverage(self) -> CoveredArea | None:
        """The area of the foreground by coverage; None unless the fit has mixed pixels."""
        if self.coverage is None:
            return None
        chosen = [number for cluster in self.legend.clusters if cluster.foreground for number in cluster.components]
        return self.coverage.clusters([chosen])[0]
