import numpy as np
import pytest


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
    """A small picture of many regions: (energy (8, H, W), posteriors of two mixtures, leaves, valid)."""

    def draw(shape=(24, 31), n_leaves=25, seed=0):
        rng = np.random.default_rng(seed)
        energy = rng.random((8, *shape), dtype=np.float32)
        posteriors = [np.moveaxis(rng.dirichlet(np.ones(k), shape), -1, 0).astype(np.float32) for k in (3, 5)]
        seeds = rng.integers(0, shape, (n_leaves, 2))
        cells = np.stack(np.indices(shape), axis=-1)
        leaves = ((cells[:, :, None] - seeds) ** 2).sum(axis=-1).argmin(axis=-1)
        leaves = np.unique(leaves, return_inverse=True)[1].reshape(shape)
        return energy, posteriors, leaves, rng.random(shape) < 0.8

    return draw
