"""The one door to both ways of segmenting: *Colours*, every pixel by itself, and *Regions*, connected parts."""

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
    """Segment a picture as the recipe's preset says; parameters and errors as of `segmentation.segment`.

    Regions are not iterated: they begin nowhere, and take no notice of `start`. They are made for what people see, `shown`;
    of deeper pictures and more bands they see nothing else.
    """
    if recipe.preset is Preset.REGIONS:
        # scikit-image takes its time to be imported, and Colours does without.
        from segmentation.engine.gmm import regions_preset as regions  # noqa: PLC0415 - as said

        bands, valid = as_bands(pixels, valid)
        seen = display_rgb(bands, valid) if shown is None else shown
        return regions.segment(seen, recipe, valid=valid, on_progress=on_progress)
    return colours.segment(
        pixels, recipe, valid=valid, shown=shown, start=start, start_units=start_units, on_progress=on_progress
    )
