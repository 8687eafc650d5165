"""What a stored result says of each pixel: how sure, how usual, and how probable each component is.

Of *Regions* there is only the label: the law of a region lives in what is measured of a reduced picture, and says nothing
pixel by pixel.

Nothing of this is kept by a run: the picture is read and measured again, as the fit has measured it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm import Mixture
from segmentation.engine.gmm.fit.fitting import SAMPLE_PIXELS
from segmentation.engine.gmm.pixels.sources import FeatureSource, feature_source
from segmentation.engine.gmm.statistics import uncertainty as maps
from segmentation.engine.imaging import Limits, decode, index_png, palettes
from segmentation.engine.recipe import Preset, Recipe

SIDE = 128
"""Pixels of a tile's sides."""

Labels = NDArray[np.uint8]
Groups = Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """A picture and what was made of it; all that the functions here need, and picklable."""

    original: bytes
    name: str
    limits: Limits
    recipe: Recipe
    mixture: Mixture
    components_png: bytes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tile:
    """A part of a picture, at most `SIDE` pixels high and wide."""

    labels: Labels  # (h, w), of the component map: with smoothing not always the most probable component
    colours: NDArray[np.uint8]  # (h, w, 3) as people see them
    values: NDArray[np.generic]  # (h, w, D) what the mixture is of; of regions D = 0
    reference: NDArray[np.float64]  # for `maps.novelty`; of regions empty


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


def tile(source: Source, row: int, column: int) -> Tile:
    """The tile with a pixel in it; tiles begin at multiples of `SIDE`."""
    labels, picture = _read(source)
    (height, width), top, left = labels.shape, row // SIDE * SIDE, column // SIDE * SIDE
    bottom, right = min(top + SIDE, height), min(left + SIDE, width)
    place = slice(top, bottom), slice(left, right)
    lines = [slice(line * width + left, line * width + right) for line in range(top, bottom)]
    values, _ = picture.part(*place)
    has_regions = source.recipe.preset is Preset.REGIONS
    return Tile(
        labels=labels[place].copy(),
        colours=np.stack([picture.colours(line) for line in lines]),
        values=values[..., :0] if has_regions else values.copy(),
        reference=np.empty(0) if has_regions else _reference(source, picture),
    )


def shapes(components_png: bytes, lookup: Labels, n_clusters: int) -> tuple[maps.Extent, ...]:
    """Boxes and connected regions of clusters, by the cluster of each label value (256,)."""
    return maps.extents(lookup[index_png.decode(components_png)], n_clusters)


def _read(source: Source) -> tuple[Labels, FeatureSource]:
    """The component map, and the picture as the fit has measured it: the map says which pixels counted."""
    decoded = decode(source.original, name=source.name, limits=source.limits)
    labels = index_png.decode(source.components_png)
    valid = labels != index_png.NO_DATA
    data = decoded.pixels if source.recipe.preset is Preset.REGIONS else decoded.data
    return labels, feature_source(data, None if valid.all() else valid, source.recipe, decoded.pixels)


def _reference(source: Source, picture: FeatureSource) -> NDArray[np.float64]:
    """Of the pixels that the fit began with: the same seed draws the same."""
    sample = picture.sample(SAMPLE_PIXELS, np.random.default_rng([source.recipe.seed, 0]))
    return maps.reference_densities(source.mixture, sample.values, sample.counts)


def _drawn(labels: Labels, picture: FeatureSource, share: maps.PerValue) -> bytes:
    most = palettes.LEVELS - 1
    levels = picture.levels(lambda values: np.rint(share(values) * most).astype(np.uint8))
    levels[labels == index_png.NO_DATA] = index_png.NO_DATA
    return index_png.with_palette(index_png.encode(levels), palettes.greys())
