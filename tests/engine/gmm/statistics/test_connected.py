import numpy as np
import pytest
from scipy import ndimage

from segmentation.engine.gmm import Component, Mixture
from segmentation.engine.gmm.fit.merging import merge_groups
from segmentation.engine.gmm.statistics import connected
from segmentation.engine.gmm.statistics.components import bounding_boxes

SHAPES = [(1, 1), (1, 90), (90, 1), (2, 3), (40, 57)]


def a_map(shape, n_labels, seed=0):
    """Blotches of all labels, with some pixels without data."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, n_labels, shape).astype(np.uint8)
    labels[rng.random(shape) < 0.05] = 255
    return labels


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("pixels", [16, 2**20])
def test_regions_are_those_of_an_independent_labelling(shape, pixels, monkeypatch):
    monkeypatch.setattr(connected, "_PIXELS", pixels)  # so that regions reach over the rows that are looked at together
    labels = a_map(shape, 3)
    expected = [ndimage.label(labels == k)[1] for k in range(3)]
    assert connected.count_regions(labels, 3).tolist() == expected


def test_pixels_that_touch_at_a_corner_are_two_regions():
    assert connected.count_regions(np.array([[0, 1], [1, 0]], np.uint8), 3).tolist() == [2, 2, 0]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("n_labels", [3, 254])
def test_boxes_hold_all_pixels_and_no_further_row_or_column(shape, n_labels):
    labels = a_map(shape, n_labels)
    for number, box in enumerate(bounding_boxes(labels, n_labels)):
        rows, columns = np.nonzero(labels == number)
        expected = (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1) if len(rows) else None
        assert box == expected


def test_the_box_of_two_components_is_around_both():
    nowhere, one, other = (
        Component(pixels=1, soft_pixels=1.0, border_pixels=0, sum=(0.0,) * 3, products=(0.0,) * 6, box=box)
        for box in (None, (4, 2, 6, 3), (1, 2, 5, 9))
    )
    assert (one + other).box == (1, 2, 6, 9)
    assert (nowhere + one).box == (one + nowhere).box == (4, 2, 6, 3)
    assert (nowhere + nowhere).box is None


def test_components_of_earlier_releases_are_read_without_a_box():
    mapping = {"pixels": 2, "soft_pixels": 1.7, "border_pixels": 1, "sum": [1, 2, 3], "products": [1, 2, 3, 4, 5, 6]}
    component = Component.from_mapping(mapping)
    assert component.box is None
    assert Component.from_mapping(component.to_mapping()) == component


def test_merged_groups_have_the_moments_of_their_components():
    rng = np.random.default_rng(1)
    sizes, points = (300, 500, 200), [rng.normal(place, spread, (n, 2)) for place, spread, n in
                                      ((10, 2, 300), (60, 9, 500), (90, 4, 200))]  # fmt: skip
    each = [(n / 1000, part.mean(axis=0), np.cov(part.T, bias=True)) for n, part in zip(sizes, points, strict=True)]
    mixture = Mixture(*(np.array(part) for part in zip(*each, strict=True)))
    merged = merge_groups(mixture, [(0, 2), (1,)])
    both = np.concatenate([points[0], points[2]])
    np.testing.assert_allclose(merged.weights, [0.5, 0.5])
    np.testing.assert_allclose(merged.means, [both.mean(axis=0), points[1].mean(axis=0)])
    np.testing.assert_allclose(merged.covariances[0], np.cov(both.T, bias=True))
    np.testing.assert_allclose(merged.covariances[1], mixture.covariances[1])
