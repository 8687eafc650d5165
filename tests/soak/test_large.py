"""Arrays at the end of what anybody will send."""

import numpy as np
import pytest

from segmentation.engine.gmm import Recipe, segment

pytestmark = pytest.mark.soak


@pytest.mark.parametrize("recipe", [Recipe(n_clusters=5), Recipe(preset="regions", n_clusters=None)])
def test_a_hundred_megapixels_are_segmented(china, recipe):
    pixels = np.tile(china, (24, 16, 1))[:10_000, :10_000]
    assert pixels.shape == (10_000, 10_000, 3)
    result = segment(pixels, recipe)
    assert result.labels.shape == (10_000, 10_000)
    assert sum(component.pixels for component in result.components) == 10**8
    assert result.labels.max() < result.mixture.n_components
