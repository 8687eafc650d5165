import numpy as np
import pytest
from sklearn.datasets import load_sample_image


@pytest.fixture(scope="session")
def china():
    """A photograph of 640 x 427 pixels."""
    return load_sample_image("china.jpg")


@pytest.fixture
def three_inks():
    """Draw a picture from a known mixture: (pixels, weights, means, covariances), means by ascending luminance."""

    def draw(shape=(300, 300), seed=0):
        rng = np.random.default_rng(seed)
        weights = np.array([0.5, 0.2, 0.3])
        means = np.array([[40.0, 60.0, 50.0], [160.0, 90.0, 70.0], [200.0, 205.0, 190.0]])
        factors = np.array(
            [[[6, 0, 0], [2, 5, 0], [1, 1, 4]], [[9, 0, 0], [-3, 6, 0], [0, 2, 5]], [[5, 0, 0], [4, 3, 0], [3, 2, 3]]]
        )
        kinds = rng.choice(3, size=shape, p=weights)
        values = means[kinds] + np.einsum("hwij,hwj->hwi", factors[kinds], rng.normal(size=(*shape, 3)))
        return values.round().astype(np.uint8), weights, means, factors @ factors.transpose(0, 2, 1)

    return draw
