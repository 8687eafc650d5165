"""Sources of artefacts that need no database: an outcome in memory, and a copy of a stored result for a child process.

`segmentation.results.StoredResult` is the source that reads rows and files. It is not in this package, since the engine knows no
database; a child process gets a `SpooledSource` that was made from it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.artefacts import Counts, FitDetails, PictureDetails, Source
from segmentation.engine.gmm import Component, Coverage, Mixture
from segmentation.engine.gmm.statistics.bands import BandSums
from segmentation.engine.imaging import Picture
from segmentation.engine.imaging.areas import MapAreas
from segmentation.engine.imaging.pixel_size import PixelSize
from segmentation.engine.legend import Legend
from segmentation.engine.pipeline.outcome import Outcome
from segmentation.engine.pipeline.pixel_tiles import read_picture
from segmentation.engine.recipe import Inputs, Recipe

Values = NDArray[np.generic]


class OutcomeSource(Source):
    """An outcome as the source of artefacts."""

    revision = 0

    def __init__(
        self,
        outcome: Outcome,
        *,
        outputs: Mapping[str, bytes] | None = None,
        decode: Callable[[], Picture] | None = None,
        pixel_size: PixelSize | None = None,
    ) -> None:
        """Make a source of an outcome.

        Parameters
        ----------
        outputs : mapping of str to bytes, or None
            The files that `run.json` lists, by name; None means the standard ones.
        decode : callable or None
            Returns the decoded picture, for artefacts that depend on its values: an outcome does not have them.
        pixel_size : PixelSize or None
            The size of a pixel that a person has given; None means that of the file.
        """
        self.outcome = outcome
        self.outputs = outputs
        self._decode = decode
        self.recipe, self.inputs, self.legend = outcome.recipe, outcome.inputs, outcome.legend
        self.components_png = outcome.components_png
        self.mixture, self.components = outcome.segmentation.mixture, outcome.segmentation.components
        self.coverage, self.gain = outcome.segmentation.coverage, outcome.segmentation.gain
        self.picture = PictureDetails(
            name=outcome.name,
            sha256=outcome.sha256,
            size=outcome.size,
            header=outcome.header,
            notices=outcome.notices,
            description=outcome.description
            if pixel_size is None
            else replace(outcome.description, pixel_size=pixel_size),
        )
        self.map_areas, self.band_sums = outcome.map_areas, outcome.band_sums

    @cached_property
    def labels(self) -> NDArray[np.uint8]:
        return self.outcome.segmentation.labels

    @cached_property
    def counts(self) -> Counts:  # type: ignore[override] # a cached property in place of the attribute
        segmentation = self.outcome.segmentation
        height, width = segmentation.labels.shape
        return Counts(
            width=width,
            height=height,
            valid_pixels=segmentation.valid_pixels,
            left_out_pixels=self.outcome.left_out_pixels,
            fitted_pixels=segmentation.fitted_pixels,
            distinct_colours=segmentation.distinct_colours,
        )

    @cached_property
    def details(self) -> FitDetails:  # type: ignore[override] # as above
        segmentation = self.outcome.segmentation
        return FitDetails(
            pixels_sha256=self.outcome.pixels_sha256,
            log_likelihood=segmentation.log_likelihood,
            iterations=segmentation.iterations,
            converged=segmentation.converged,
            features={"names": list(segmentation.names), **segmentation.units.to_mapping()},
            seconds=self.outcome.seconds,
            versions=self.outcome.versions,
            applied_model=self.outcome.applied_model,
        )

    @cached_property
    def fit(self) -> Mapping[str, NDArray[Any]]:  # type: ignore[override] # as above
        return {"history": np.asarray(self.outcome.segmentation.history, dtype=np.float64), **self.outcome.evidence}

    def values_and_colours(self) -> tuple[Values, NDArray[np.uint8]]:
        if self._decode is None:
            raise ValueError("This source was made without a way to decode its picture.")
        picture = self._decode()
        return picture.data, picture.pixels


@dataclass(kw_only=True, eq=False)
class SpooledSource(Source):
    """A copy of a source that can be pickled, so that a child process can make an artefact from it."""

    recipe: Recipe
    inputs: Inputs
    picture: PictureDetails
    counts: Counts
    details: FitDetails
    mixture: Mixture
    components: tuple[Component, ...]
    coverage: Coverage | None
    gain: float | None
    legend: Legend
    revision: int
    map_areas: MapAreas | None
    band_sums: BandSums | None
    components_png: bytes
    fit: Mapping[str, NDArray[Any]]
    tiles: Path | None  # tiled file of the picture, for an artefact that depends on its values

    @classmethod
    def of(cls, source: Source, *, fit: Mapping[str, NDArray[Any]], tiles: Path | None) -> Self:
        """Return a copy of another source, with the given arrays of ``fit.npz`` and tiled file."""
        return cls(
            recipe=source.recipe,
            inputs=source.inputs,
            picture=source.picture,
            counts=source.counts,
            details=source.details,
            mixture=source.mixture,
            components=source.components,
            coverage=source.coverage,
            gain=source.gain,
            legend=source.legend,
            revision=source.revision,
            map_areas=source.map_areas,
            band_sums=source.band_sums,
            components_png=source.components_png,
            fit=fit,
            tiles=tiles,
        )

    def values_and_colours(self) -> tuple[Values, NDArray[np.uint8]]:
        if self.tiles is None:
            raise ValueError("The artefact must declare that it depends on the original.")
        return read_picture(self.tiles)
