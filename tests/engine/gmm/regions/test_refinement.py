import numpy as np
import pytest
from scipy.stats import multivariate_normal

from segmentation.engine.gmm.features.colour_spaces import lab
from segmentation.engine.gmm.regions.refinement import FLOOR_DENSITY, RegionDistributions, areas, band, refine, sweep
from segmentation.engine.gmm.regions.resampling import Level, pyramid


@pytest.fixture
def halves():
    """Two colours side by side, a border that is wrong by three pixels, and the colour distributions of both sides."""
    truth = np.zeros((30, 40), np.uint8)
    truth[:, 20:] = 1
    noise = np.random.default_rng(0).normal(0, 5, (30, 40, 3))
    pixels = (np.array([[90, 80, 70], [150, 150, 160]])[truth] + noise).astype(np.uint8)
    posterior = np.stack([truth == 0, truth == 1]).astype(np.float32)
    labels = truth.copy()
    labels[5:15, 20:23] = 0
    return (
        pixels,
        truth,
        labels,
        RegionDistributions.of(lab(pixels.transpose(2, 0, 1)), posterior, labels, np.ones((30, 40), bool)),
    )


def test_log_densities_are_those_of_a_regions_own_mixture(halves):
    pixels, truth, labels, distributions = halves
    colours = lab(pixels.transpose(2, 0, 1)).reshape(3, -1)
    shares = np.stack([np.bincount(truth[labels == region], minlength=2) for region in (0, 1)])
    shares = shares / shares.sum(axis=1, keepdims=True)
    density = np.stack(
        [
            multivariate_normal(within.mean(axis=1), np.cov(within, ddof=0) + np.eye(3)).pdf(colours.T)
            for within in (colours[:, truth.ravel() == 0], colours[:, truth.ravel() == 1])
        ]
    )
    expected = np.log(shares @ (density / density.max(axis=0)) + FLOOR_DENSITY)
    found = distributions.log_densities(colours, np.array([0, 1]))
    np.testing.assert_allclose(found - found[0], expected - expected[0], atol=0.02)


def test_sweeps_move_a_border_to_where_the_colour_changes(halves):
    pixels, truth, labels, distributions = halves
    wrong = [np.count_nonzero(labels != truth)]
    for _ in range(4):
        sweep(labels, Level(pixels, None), distributions)
        wrong.append(np.count_nonzero(labels != truth))
    assert wrong == sorted(wrong, reverse=True)
    assert wrong[-1] == 0


def test_what_lies_far_from_borders_or_is_not_valid_stays(halves):
    pixels, _, labels, distributions = halves
    labels[:, :10] = 1
    labels[:, 0] = 0
    before = labels.copy()
    valid = np.ones(labels.shape, bool)
    valid[10:] = False
    sweep(labels, Level(pixels, valid), distributions)
    np.testing.assert_array_equal(labels[10:], before[10:])
    np.testing.assert_array_equal(labels[:10, 4:6], before[:10, 4:6])
    assert (labels[:10] != before[:10]).any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (12, 17)])
def test_the_band_is_what_lies_within_two_pixels_of_another_region(shape):
    labels = (np.random.default_rng(1).random(shape) < 0.06).astype(np.uint8)
    y, x = np.indices(shape)
    differ = np.zeros(shape, bool)
    differ[1:] |= labels[1:] != labels[:-1]
    differ[:-1] |= labels[1:] != labels[:-1]
    differ[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    differ[:, :-1] |= labels[:, 1:] != labels[:, :-1]
    expected = np.zeros(shape, bool)
    for v, u in np.argwhere(differ):
        expected |= (abs(y - v) <= 1) & (abs(x - u) <= 1)
    np.testing.assert_array_equal(band(labels), np.flatnonzero(expected))


def test_a_region_of_its_neighbours_colours_does_not_vanish(halves):
    pixels, _, labels, _ = halves
    labels = np.zeros_like(labels)
    labels[10:12, 10:12] = 1
    large = np.repeat(np.repeat(pixels[:, :15], 4, axis=0), 4, axis=1)
    flat = np.ones((1, 30, 15), np.float32)
    distributions = RegionDistributions.of(
        lab(pixels[:, :15].transpose(2, 0, 1)), flat, labels[:, :15], np.ones((30, 15), bool)
    )
    refined = refine(labels[:, :15], pyramid(large, None, (30, 15))[::-1], distributions)
    assert refined.shape == (120, 60)
    assert 1 in refined


def test_areas_count_every_label():
    labels = np.random.default_rng(2).integers(0, 256, (700, 800), dtype=np.uint8)
    np.testing.assert_array_equal(areas(labels), np.bincount(labels.ravel(), minlength=256))
