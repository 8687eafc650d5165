import numpy as np
import pytest

from tests.engine.gmm.regions.oracle import draw_scene


@pytest.fixture
def flower():
    """Draw a five-lobed flower on a ground, with noise: (pixels, which are the flower)."""

    def draw(height, width, noise=10.0, seed=0):
        y, x = np.mgrid[:height, :width]
        angle, radius = np.arctan2(y - height / 2, x - width / 2), np.hypot(y - height / 2, x - width / 2)
        inside = radius < 0.28 * min(height, width) * (1 + 0.25 * np.cos(5 * angle))
        noises = np.random.default_rng(seed).normal(0, noise, (height, width, 1)).astype(np.float32)
        colours = np.where(inside[..., None], np.float32([150, 90, 60]), np.float32([80, 120, 130]))
        return np.clip(colours + noises, 0, 255).astype(np.uint8), inside

    return draw


@pytest.fixture
def scene():
    """Draw a small picture of many regions: what `build_graph` takes, as keywords."""
    return draw_scene
