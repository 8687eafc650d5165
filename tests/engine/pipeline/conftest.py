import io

import numpy as np
import PIL.Image
import pytest

from segmentation.engine import pipeline
from segmentation.engine.imaging import Limits
from segmentation.engine.recipe import Recipe

LIMITS = Limits(bytes=50_000_000, pixels=50_000_000, decoded_bytes=400_000_000)
RECIPE = Recipe(n_clusters=3, seed=7)


def encoded(array, image_format="PNG"):
    file = io.BytesIO()
    PIL.Image.fromarray(array).save(file, image_format)
    return file.getvalue()


@pytest.fixture
def pixels():
    """A dark disc and a bright bar on a grey background, with noise."""
    rows, columns = np.mgrid[:60, :90]
    picture = np.full((60, 90, 3), (120.0, 125.0, 130.0))
    picture[(rows - 30) ** 2 + (columns - 25) ** 2 < 15**2] = (90, 30, 45)
    picture[12:48, 60:75] = (235, 220, 150)
    noise = np.random.default_rng(0).normal(0, 4, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


@pytest.fixture
def run():
    """Return a function that runs the pipeline on an array, or on the bytes of a file."""

    def run(picture, *, name="phantom.png", recipe=RECIPE, **more):
        data = picture if isinstance(picture, bytes) else encoded(picture)
        return pipeline.run(data, name=name, recipe=recipe, **{"limits": LIMITS} | more)

    return run


@pytest.fixture
def outcome(run, pixels):
    return run(pixels)


@pytest.fixture
def translucent(pixels):
    """The picture with an alpha channel; its upper left corner is fully transparent."""
    alpha = np.full(pixels.shape[:2], 255, dtype=np.uint8)
    alpha[:20, :30] = 0
    return np.dstack([pixels, alpha])
