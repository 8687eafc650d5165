"""The limits of memory and time of a run.

The memory limit depends on the picture, the time limit on the expected cost (`cost`), so that a run of a small picture cannot use
all resources of the machine. `GMM_RUN_MEMORY` and `GMM_RUN_SECONDS` are upper limits for every run. `benchmarks/allowance.py`
measures what runs use.
"""

from django.conf import settings

from segmentation.engine.recipe import Recipe
from segmentation.engine.sandbox import Allowance

# Bytes; the sum is more than 1.5 times what any recipe used in the benchmark.
_MEMORY = 300_000_000  # for any picture
_MEMORY_PER_DECODED_BYTE = 6
_MEMORY_PER_VALUE = 40  # a value is one band of one pixel
_MEMORY_PER_VALUE_IF_EXACT = 110  # the features of all pixels are in memory at once, and sorted
_SECONDS = 60.0  # for any run
_TIMES_EXPECTED = 10  # a fit may need many more iterations than usual, on a machine that is busy
_FEWEST_BANDS = 3  # grey pictures are converted to three bands


def allowance(*, pixels: int, bands: int, item_bytes: int, recipe: Recipe, expected: float) -> Allowance:
    """Return the limits of memory and time of a run of `recipe`.

    Parameters
    ----------
    pixels, bands, item_bytes : int
        Numbers of pixels, of values a pixel and of bytes a value in the stored picture.
    recipe : Recipe
    expected : float
        Seconds that the run is expected to take on this worker.
    """
    values = pixels * max(bands, _FEWEST_BANDS)
    per_value = _MEMORY_PER_VALUE_IF_EXACT if recipe.exact else _MEMORY_PER_VALUE
    memory = _MEMORY + _MEMORY_PER_DECODED_BYTE * pixels * bands * item_bytes + per_value * values
    seconds = max(_SECONDS, _TIMES_EXPECTED * expected)
    return Allowance(memory=min(memory, settings.GMM_RUN_MEMORY), seconds=min(seconds, settings.GMM_RUN_SECONDS))
