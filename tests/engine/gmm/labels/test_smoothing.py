import numpy as np
import pytest
from scipy.ndimage import convolve

from benchmarks.counting import mislabelled, noisy
from segmentation.engine.gmm import Mixture, Recipe, segment
from segmentation.engine.gmm.labels import smoothing as module
from segmentation.engine.gmm.labels.mean_field import mean_field
from segmentation.engine.gmm.labels.smoothing import label_smoothed
from segmentation.engine.gmm.pixels.sources import EightBit


@pytest.mark.parametrize(("n_phases", "correlated", "most"), [(2, False, 0.02), (3, False, 0.02), (3, True, 0.05)])
def test_noise_that_mislabels_a_fifth_is_smoothed_away(n_phases, correlated, most):
    drawn = noisy(1, n_phases=n_phases, correlated=correlated)
    result = segment(drawn.pixels, Recipe(n_clusters=n_phases, smoothness=1.0))
    assert mislabelled(result.labels, drawn.truth) <= most


def test_more_smoothness_leaves_fewer_borders(china):
    lengths = []
    for smoothness in (0.0, 0.1, 0.5, 1.0):
        labels = segment(china, Recipe(n_clusters=4, smoothness=smoothness)).labels
        lengths.append((labels[1:] != labels[:-1]).sum() + (labels[:, 1:] != labels[:, :-1]).sum())
    assert lengths[0] > lengths[1] > lengths[3]
    assert lengths[0] > 1.5 * lengths[3]


def test_component_statistics_are_those_of_the_smoothed_labels(china):
    result = segment(china, Recipe(n_clusters=3, smoothness=0.5))
    for number, component in enumerate(result.components):
        own = china[result.labels == number]
        assert component.pixels == len(own)
        np.testing.assert_allclose(component.mean, own.mean(axis=0))


def test_pixels_without_data_stay_so_and_have_no_influence():
    drawn = noisy(2, n_phases=2)
    valid = np.ones(drawn.truth.shape, bool)
    valid[100:200, 50:300] = False
    repainted = drawn.pixels.copy()
    repainted[~valid] = 255
    here, there = (
        segment(pixels, Recipe(n_clusters=2, smoothness=1.0), valid=valid) for pixels in (drawn.pixels, repainted)
    )
    assert here.labels.tobytes() == there.labels.tobytes()
    assert (here.labels[~valid] == 255).all()
    assert (here.labels[valid] < 2).all()


def test_tiles_make_no_difference(monkeypatch, china):
    mixture = segment(china, Recipe(n_clusters=3)).mixture
    whole = label_smoothed(EightBit(china, None), mixture, 0.5)
    monkeypatch.setattr(module, "_POSTERIORS", 3 * 60**2)
    tiles = label_smoothed(EightBit(china, None), mixture, 0.5)
    assert (whole.labels == tiles.labels).mean() > 0.99999


def test_without_strength_the_posterior_is_that_of_each_pixel():
    log_joint = np.random.default_rng(0).normal(size=(3, 20, 30)).astype(np.float32)
    shares = np.exp(log_joint)
    np.testing.assert_allclose(mean_field(log_joint, 0.0, 3), shares / shares.sum(axis=0), rtol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 30), (20, 31)])
def test_the_mean_field_converges_to_a_fixed_point(shape):
    log_joint = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
    posterior = mean_field(log_joint, 1.5, 100)
    window = np.array([1, 2, 3, 2, 1]) / 9
    around = convolve(posterior.astype(float), window[:, None] * window * np.ones((1, 1, 1)), mode="reflect")
    shares = np.exp(log_joint + 1.5 * around)
    np.testing.assert_allclose(posterior, shares / shares.sum(axis=0), atol=1e-4)


def test_a_single_deviating_pixel_takes_the_label_of_its_neighbourhood():
    log_joint = np.zeros((2, 21, 21), np.float32)
    log_joint[0] = 1
    log_joint[:, 10, 10] = 0, 2
    assert mean_field(log_joint, 0.0, 5)[:, 10, 10].argmax() == 1
    assert mean_field(log_joint, 12.0, 5)[:, 10, 10].argmax() == 0


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 50, 3), (3, 2, 3)])
def test_tiny_pictures_are_smoothed(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    result = segment(pixels, Recipe(n_clusters=2, smoothness=1.0))
    assert isinstance(result.mixture, Mixture)
    assert (result.labels < 2).all()
