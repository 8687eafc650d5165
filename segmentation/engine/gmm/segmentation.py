"""Segmentation of a picture with either preset: *Colours* labels every pixel by itself, *Regions* finds connected regions."""

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm import colours_preset as colours
from segmentation.engine.gmm.features.units import Units, as_bands, display_rgb
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.result import Segmentation
from segmentation.engine.progress import OnProgress
from segmentation.engine.recipe import Preset, Recipe


def segment(
    pixels: NDArray[np.generic],
    recipe: Recipe,
    *,
    valid: NDArray[np.bool_] | None = None,
    shown: NDArray[np.uint8] | None = None,
    start: Mixture | None = None,
    start_units: Units | None = None,
    on_progress: OnProgress | None = None,
) -> Segmentation:
    """Segment a picture: label every pixel with a component of a Gaussian mixture, by the preset of the recipe.

    The same pixels, mask and recipe give the same bytes, whatever the memory layout and the number of threads.

    Of the preset *Colours* without texture, position, smoothing, merging of small regions and automatic choice, the positions
    of pixels only decide which of them are in the sample: a permuted small picture gets permuted labels. The preset *Regions*
    ignores `start` and `start_units`, and analyses the displayed picture (`shown`) only, also when the picture has more bits or
    more bands.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, B), integer or float
        Up to 16 bands, in any memory layout; three bands of 8 bits are sRGB. NaN and infinity are no data.
    recipe : Recipe
        The number of components is at most the number of distinct colours.
    valid : ndarray, shape (H, W), bool, or None
        Which pixels are valid; None means all.
    shown : ndarray, shape (H, W, 3), uint8, or None
        The picture as displayed, for the colours of components; three bands of 8 bits are displayed unchanged. None means
        `units.display_rgb`.
    start : Mixture or None
        Where the fit begins, for example the mixture of a preview; None tries `recipe.restarts` initialisations.
    start_units : Units or None
        The units of `start`, when they are those of another picture or mask; None means the units of this picture. They are
        used for RGB features only: the units of other colour spaces are the same for every picture.
    on_progress : callable or None
        Called with the stage and the fraction of it that is done, which never falls. An exception that it raises ends the
        computation.

    Returns
    -------
    Segmentation
        Its `labels` (H, W) are uint8.

    Raises
    ------
    SegmentationError
        ``empty``: no pixel is valid; ``invalid_request``: the recipe or the starting mixture does not suit the picture.
    TypeError, ValueError
        The arrays are not of the stated types and shapes.
    """
    if recipe.preset is Preset.REGIONS:
        # Importing scikit-image is slow, and Colours does not need it.
        from segmentation.engine.gmm import regions_preset as regions  # noqa: PLC0415 - see the comment above

        bands, valid = as_bands(pixels, valid)
        displayed = display_rgb(bands, valid) if shown is None else shown
        return regions.segment(displayed, recipe, valid=valid, on_progress=on_progress)
    return colours.segment(
        pixels, recipe, valid=valid, shown=shown, start=start, start_units=start_units, on_progress=on_progress
    )
