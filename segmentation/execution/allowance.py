"""What a run may take of memory and time: by its picture, so that a small one cannot take the machine."""

from django.conf import settings

from segmentation.engine.recipe import Recipe
from segmentation.engine.sandbox import Allowance


def allowance(*, pixels: int, bands: int, item_bytes: int, recipe: Recipe) -> Allowance:
    """Placeholder."""
    del pixels, bands, item_bytes, recipe
    return Allowance(memory=settings.GMM_RUN_MEMORY, seconds=settings.GMM_RUN_SECONDS)
