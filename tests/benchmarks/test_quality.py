"""The benchmark's measures against their definitions, pixel by pixel and pair by pair."""

import importlib.util
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

spec = importlib.util.spec_from_file_location("quality", Path(__file__).parents[2] / "benchmarks" / "quality.py")
quality = importlib.util.module_from_spec(spec)
spec.loader.exec_module(quality)


@pytest.fixture(params=range(4))
def maps(request):
    rng = np.random.default_rng(request.param)
    return rng.integers(0, 5, (7, 9)), rng.integers(3, 3 + 2**request.param, (7, 9))


def test_rand_index_counts_pairs_of_pixels(maps):
    one, other = (labels.ravel().tolist() for labels in maps)
    pairs = list(combinations(range(len(one)), 2))
    agreeing = sum((one[i] == one[j]) == (other[i] == other[j]) for i, j in pairs)
    assert quality.rand_index(quality.contingency(*maps)) == pytest.approx(agreeing / len(pairs))


def test_variation_of_information_is_what_each_map_leaves_open_of_the_other(maps):
    one, other = (labels.ravel() for labels in maps)
    open_bits = 0.0
    for a, b in zip(one, other, strict=True):
        joint, left, right = ((one == a) & (other == b)).mean(), (one == a).mean(), (other == b).mean()
        open_bits -= (np.log2(joint / left) + np.log2(joint / right)) / one.size
    assert quality.variation_of_information(quality.contingency(*maps)) == pytest.approx(open_bits)


def test_covering_takes_the_best_overlap_of_each_true_segment(maps):
    found, truth = maps
    expected = 0.0
    for segment in np.unique(truth):
        inside = truth == segment
        best = max((inside & (found == label)).sum() / (inside | (found == label)).sum() for label in np.unique(found))
        expected += inside.mean() * best
    assert quality.covering(quality.contingency(found, truth)) == pytest.approx(expected)


def test_equal_maps_agree_fully_whatever_their_labels(maps):
    one, _ = maps
    np.testing.assert_allclose(quality.agreement(one, [7 - one, one + 100]), [1, 0, 1], atol=1e-12)


@pytest.mark.parametrize("method", quality.METHODS, ids=lambda method: method.name)
def test_every_method_labels_every_pixel(method):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    pixels[:, 25:] //= 4
    labels = method.label(pixels, 0)
    assert labels.shape == (40, 50)
    assert labels.min() >= 0
