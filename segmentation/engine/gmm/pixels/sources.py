"""Choose the feature source of a picture.

There is one class for each way to compute features: once for each 24-bit colour, once for each value of a single band, or for
each pixel.
"""

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.features.extraction import extract_features
from segmentation.engine.gmm.features.units import Units, display_rgb
from segmentation.engine.gmm.pixels.eight_bit import EightBit
from segmentation.engine.gmm.pixels.one_band import OneBand
from segmentation.engine.gmm.pixels.per_pixel import PerPixel
from segmentation.engine.gmm.pixels.sample import Mask
from segmentation.engine.gmm.pixels.source import FeatureSource, Values
from segmentation.engine.progress import OnFraction, ignore_progress
from segmentation.engine.recipe import Recipe

__all__ = ["EightBit", "FeatureSource", "OneBand", "PerPixel", "Values", "feature_source"]


def feature_source(
    pixels: NDArray[np.generic],
    valid: Mask | None,
    recipe: Recipe,
    shown: NDArray[np.uint8] | None = None,
    *,
    units: Units | None = None,
    on_fraction: OnFraction = ignore_progress,
) -> FeatureSource:
    """Return a picture as the source of the features that a recipe asks for.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, B), integer or float
    valid : ndarray, shape (H, W), bool, or None
        Which pixels are valid; None means all.
    recipe : Recipe
    shown : ndarray, shape (H, W, 3), uint8, or None
        The picture as displayed; None means `units.display_rgb`.
    units : Units or None
        The units of another picture, to apply its mixture to this one; None means the units of this picture.
    on_fraction : callable
        Called with the fraction of the work that is done, up to 1.

    Raises
    ------
    SegmentationError, TypeError
        As in `extract_features`.
    """
    is_plain = not (recipe.texture or recipe.position)
    if is_plain and _is_rgb(pixels) and (units is None or units == Units.identity(3)):
        # Pictures of 8-bit red, green and blue are displayed unchanged, so `shown` is not needed.
        return EightBit(np.ascontiguousarray(pixels), valid, recipe.features)
    pixels = np.ascontiguousarray(pixels)
    features = extract_features(pixels, valid, recipe, units, on_fraction=on_fraction)
    displayed = np.ascontiguousarray(shown) if shown is not None else display_rgb(pixels, valid)
    bands = features.bands
    if bands.shape[2] == 1 and bands.dtype.kind in "iu" and bands.dtype.itemsize <= 2 and is_plain:
        return OneBand(features, displayed)
    return PerPixel(features, displayed)


def _is_rgb(pixels: NDArray[np.generic]) -> bool:
    """Return whether a picture has three bands of 8 bits."""
    return pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3
