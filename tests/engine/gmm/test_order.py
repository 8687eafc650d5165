"""The order of clusters is what the help says: from dark to light, and of optical density from little to much stain."""

import numpy as np
import PIL.Image
import pytest

from segmentation.engine.gmm import Recipe, segment
from segmentation.samples import SAMPLES

STAINED = next(sample for sample in SAMPLES if sample.slug == "ihc")


@pytest.fixture(scope="module")
def stained():
    with PIL.Image.open(STAINED.path) as picture:
        return np.asarray(picture.convert("RGB"))


@pytest.mark.parametrize(("features", "direction"), [("rgb", 1), ("od", -1)])
def test_clusters_are_numbered_by_their_mean_values(stained, features, direction):
    result = segment(stained, Recipe(n_clusters=4, features=features))
    lightness = [stained[result.labels == label].mean() for label in range(4)]
    assert lightness == sorted(lightness, reverse=direction < 0)
