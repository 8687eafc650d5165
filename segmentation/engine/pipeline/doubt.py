"""What a stored result says of each pixel: how sure, how usual, and how probable each component is.

Not of *Regions*: their mixture is of features of a reduced picture, and says nothing pixel by pixel.

Nothing of this is kept by a run: features are extracted again from the file of tiles of the picture (`looks`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm import Mixture
from segmentation.engine.gmm.fit.fitting import SAMPLE_PIXELS
from segmentation.engine.gmm.pixels.sources import FeatureSource, feature_source
from segmentation.engine.gmm.statistics import uncertainty as maps
from segmentation.engine.imaging import index_png, palettes
from segmentation.engine.pipeline import looks
from segmentation.engine.recipe import Recipe

Labels = NDArray[np.uint8]
Groups = Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """A picture and what was made of it; all that the functions here need, and picklable."""

    picture: Path  # its file of tiles, see `looks.write_picture`
    recipe: Recipe
    mixture: Mixture
    components_png: bytes


def uncertainty_png(source: Source, groups: Groups) -> bytes:
    """How undecided each pixel is between clusters, given by their components (see `maps.uncertainty`).

    A palette PNG in grey: level 0 for sure to 253 for completely undecided; transparent where there is no data.
    """
    labels, picture = _read(source)
    return _drawn(labels, picture, lambda values: maps.uncertainty(source.mixture, values, groups))


def novelty_png(source: Source) -> bytes:
    """How unusual each pixel is, in the same form: the share of the fitted pixels that are likelier."""
    labels, picture = _read(source)
    reference = _reference(source, picture)
    return _drawn(labels, picture, lambda values: maps.novelty(source.mixture, values, reference))


def shapes(components_png: bytes, lookup: Labels, n_clusters: int) -> tuple[maps.Extent, ...]:
    """Boxes and connected regions of clusters, by the cluster of each label value (256,)."""
    return maps.extents(lookup[index_png.decode(components_png)], n_clusters)


def _read(source: Source) -> tuple[Labels, FeatureSource]:
    """The component map, and the picture as the fit has measured it: the map says which pixels counted."""
    data, colours = looks.read_picture(source.picture)
    labels = index_png.decode(source.components_png)
    valid = labels != index_png.NO_DATA
    return labels, feature_source(data, None if valid.all() else valid, source.recipe, colours)


def _reference(source: Source, picture: FeatureSource) -> NDArray[np.float64]:
    """Of the pixels that the fit began with: the same seed draws the same."""
    sample = picture.sample(SAMPLE_PIXELS, np.random.default_rng([source.recipe.seed, 0]))
    return maps.reference_densities(source.mixture, sample.values, sample.counts)


def _drawn(labels: Labels, picture: FeatureSource, share: maps.PerValue) -> bytes:
    most = palettes.LEVELS - 1
    levels = picture.levels(lambda values: np.rint(share(values) * most).astype(np.uint8))
    levels[labels == index_png.NO_DATA] = index_png.NO_DATA
    return index_png.with_palette(index_png.encode(levels), palettes.greys())
