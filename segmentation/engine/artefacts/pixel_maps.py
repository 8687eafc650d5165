"""What maps of each pixel's probability have in common.

Not of *Regions*: their mixture is of features of a reduced picture, and says nothing of single pixels.
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
    """Return the features of each pixel as the fit has extracted them; the component map says which pixels counted."""
    data, colours = source.values_and_colours()
    valid = source.labels != index_png.NO_DATA
    return feature_source(data, None if valid.all() else valid, source.recipe, colours, units=source.units)


def write_map(source: Source, features: FeatureSource, share: PerValue, file: IO[bytes]) -> None:
    """Write a share of each pixel as a palette PNG in grey: levels 0 to 253; transparent where there is no data."""
    most = palettes.LEVELS - 1
    levels = features.levels(lambda values: np.rint(share(values) * most).astype(np.uint8))
    levels[source.labels == index_png.NO_DATA] = index_png.NO_DATA
    file.write(index_png.with_palette(index_png.encode(levels), palettes.greys()))
