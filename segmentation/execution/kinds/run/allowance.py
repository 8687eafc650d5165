"""What a run may take of memory and time: by its picture and recipe, so that a small picture cannot take the machine.

Memory is allowed by the picture, time by the expected cost (`cost`). `benchmarks/allowance.py` measures what runs really take. The settings `GMM_RUN_MEMORY` and `GMM_RUN_SECONDS` are the most that
any may have.
"""

from django.conf import settings

from segmentation.engine.recipe import Recipe
from segmentation.engine.sandbox import Allowance

# More than one and a half times what any recipe took that was measured.
_MEMORY = 300_000_000  # whatever the picture
_MEMORY_PER_DECODED_BYTE = 6
_MEMORY_PER_VALUE = 40  # a value is one band of one pixel
_MEMORY_PER_VALUE_IF_EXACT = 110  # what is measured of all pixels is there at once, and sorted
_SECONDS = 60.0  # whatever the run
_TIMES_EXPECTED = 10  # iterations may be many more than usual, and the machine busy with others
_FEWEST_BANDS = 3  # grey pictures are handled in colour


def allowance(*, pixels: int, bands: int, item_bytes: int, recipe: Recipe, expected: float) -> Allowance:
    """Return what a run of `recipe` may take.

    Parameters
    ----------
    pixels, bands, item_bytes : int
        Of the picture as it is stored: how many pixels, values a pixel, and bytes a value.
    recipe : Recipe
    expected : float
        Seconds that the run is expected to take on this worker.
    """
    values = pixels * max(bands, _FEWEST_BANDS)
    per_value = _MEMORY_PER_VALUE_IF_EXACT if recipe.exact else _MEMORY_PER_VALUE
    memory = _MEMORY + _MEMORY_PER_DECODED_BYTE * pixels * bands * item_bytes + per_value * values
    seconds = max(_SECONDS, _TIMES_EXPECTED * expected)
    return Allowance(memory=min(memory, settings.GMM_RUN_MEMORY), seconds=min(seconds, settings.GMM_RUN_SECONDS))
