"""Segment a picture with either preset: *Colours* labels every pixel by itself, *Regions* finds connected parts."""

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
    """Segment a picture with the preset of the recipe.

    Parameters, errors and result are those of `colours_preset.segment`. *Regions* ignores `start` and `start_units`, and
    analyses the displayed picture (`shown`) only, also when the picture has more bits or more bands.
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
