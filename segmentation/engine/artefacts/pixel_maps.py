"""Maps of a value of each pixel that is computed from its density under the mixture.

The preset *Regions* has no such maps: its mixture is fitted to features of a reduced picture, not to single pixels.
"""

from collections.abc import Sequence
from types import MappingProxyType
from typing import IO

import numpy as np

from segmentation.engine.artefacts.source import Source
from segmentation.engine.gmm.pixels.sources import FeatureSource, feature_source
from segmentation.engine.gmm.statistics.uncertainty import PerValue
from segmentation.engine.imaging import index_png, palettes


def _heat(source: Source) -> Sequence[str]:  # noqa: ARG001 - the same for every result
    return palettes.heat()


PALETTES = MappingProxyType({"heat": _heat})


def features_of(source: Source) -> FeatureSource:
    """Return the features of each pixel as they were extracted for the fit; pixels without a label in the map are not valid."""
    data, colours = source.values_and_colours()
    valid = source.labels != index_png.NO_DATA
    return feature_source(data, None if valid.all() else valid, source.recipe, colours)


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
