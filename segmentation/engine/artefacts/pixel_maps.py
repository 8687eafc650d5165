"""Maps of a value of each pixel that is computed from its density under the mixture.

The preset *Regions* has no such maps: its mixture is fitted to features of a reduced picture, not to single pixels.
"""

from collections.abc import Sequence
from types import MappingProxyType
from typing import IO

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.artefacts.source import Source
from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.gmm.features.units import Units
from segmentation.engine.gmm.pixels.sources import FeatureSource, feature_source
from segmentation.engine.gmm.statistics.uncertainty import PerValue
from segmentation.engine.imaging import index_png, palettes
from segmentation.engine.recipe import Recipe


def _heat(source: Source) -> Sequence[str]:  # noqa: ARG001 - the same for every result
    return palettes.heat()


PALETTES = MappingProxyType({"heat": _heat})


def features_of(source: Source) -> FeatureSource:
    """Return the features of each pixel as they were extracted for the fit; pixels without a label in the map are not valid.

    Raises
    ------
    SegmentationError
        As `features_as_fitted`.
    """
    data, colours = source.values_and_colours()
    return features_as_fitted(data, colours, source.labels, recipe=source.recipe, units=source.units)


def features_as_fitted(
    data: NDArray[np.generic],
    colours: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    *,
    recipe: Recipe,
    units: Units | None,
) -> FeatureSource:
    """Return the features of the pixels of a stored result.

    Parameters
    ----------
    data : ndarray, shape (H, W, B)
        The picture as it is decoded today.
    colours : ndarray, shape (H, W, 3), uint8
        The picture as displayed.
    labels : ndarray, shape (H, W), uint8
        The component map.
    recipe : Recipe
    units : Units or None
        The stored units of the result.

    Raises
    ------
    SegmentationError
        With `state_conflict`, when an earlier release decoded the file to another size, other bands or other units.
    """
    n_bands = data.shape[2]
    if data.shape[:2] != labels.shape or (
        n_bands != len(units.offset) if units is not None else data.dtype != np.uint8
    ):
        raise SegmentationError(
            "state_conflict",
            gettext_noop(
                "An earlier release made this result and read the file differently: repeat the run to see this."
            ),
        )
    valid = labels != index_png.NO_DATA
    return feature_source(data, None if valid.all() else valid, recipe, colours, units=units)


def write_map(source: Source, features: FeatureSource, function: PerValue, file: IO[bytes]) -> None:
    """Write a palette PNG of grey levels 0 to 253, transparent where there is no data.

    Parameters
    ----------
    source : Source
    features : FeatureSource
        The features of the pixels of `source`.
    function : callable
        Returns a number from 0 to 1 for each row of features (n, D).
    file : binary file, open for writing
    """
    highest = palettes.LEVELS - 1
    levels = features.levels(lambda values: np.rint(function(values) * highest).astype(np.uint8))
    levels[source.labels == index_png.NO_DATA] = index_png.NO_DATA
    file.write(index_png.with_palette(index_png.encode(levels), palettes.greys()))
