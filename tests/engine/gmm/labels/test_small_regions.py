import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.measure import label

from segmentation.engine.gmm import Mixture, Recipe, segment
from segmentation.engine.gmm.labels.small_regions import merge_small_regions
from segmentation.engine.gmm.statistics.uncertainty import Extent, extents, novelty, uncertainty

GREYS = Mixture([0.3, 0.3, 0.4], [[50.0], [100.0], [200.0]], np.full((3, 1, 1), 100.0))


def drawn(rows):
    labels = np.array([[int(sign) for sign in row] for row in rows], np.uint8)
    return labels, np.array([50.0, 100, 200])[np.minimum(labels, 2)][..., None]


def test_a_small_region_is_merged_into_the_most_similar_neighbour():
    labels, values = drawn(["0000222", "0001222", "0000222"])
    assert merge_small_regions(labels, values.__getitem__, GREYS, 0.1)[1].tolist() == [0, 0, 0, 0, 2, 2, 2]
    values[1, 3] = 180
    assert merge_small_regions(labels, values.__getitem__, GREYS, 0.1)[1].tolist() == [0, 0, 0, 2, 2, 2, 2]


def test_regions_that_grow_beyond_the_limit_stay():
    labels, values = drawn(["0000000", "0012200", "0000000"])
    assert merge_small_regions(labels, values.__getitem__, GREYS, 0.0).tolist() == labels.tolist()
    assert (merge_small_regions(labels, values.__getitem__, GREYS, 2.5 / 21)[1] == [0, 0, 0, 0, 0, 0, 0]).all()


def test_pixels_without_data_are_never_merged():
    labels, values = drawn(["0000", "0000", "0000"])
    labels[1, 1], labels[0, 3] = 255, 1
    labels[0, 2] = labels[1, 3] = 255
    result = merge_small_regions(labels, values.__getitem__, GREYS, 0.2)
    assert (result == labels).all()


@given(seed=st.integers(0, 10**6), smallest=st.floats(0, 0.3), shape=st.tuples(st.integers(1, 14), st.integers(1, 14)))
@settings(max_examples=60, deadline=None)
def test_no_region_below_the_limit_is_left_that_has_a_neighbour(seed, smallest, shape):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, shape).astype(np.uint8)
    values = rng.uniform(0, 255, (*shape, 1))
    before = labels.copy()
    result = merge_small_regions(labels, values.__getitem__, GREYS, smallest)
    assert (labels == before).all()
    regions = label(result, connectivity=1, background=-1)
    areas = np.bincount(regions.ravel())[1:]
    assert len(areas) == 1 or areas.min() >= smallest * labels.size
    large = label(labels, connectivity=1, background=-1)
    for number, area in enumerate(np.bincount(large.ravel())[1:], start=1):
        assert area < smallest * labels.size or (result[large == number] == labels[large == number]).all()


def test_a_recipe_cleans(china):
    single_precision, clean = (
        segment(china, Recipe(n_clusters=4, smallest_region=smallest)) for smallest in (0.0, 0.001)
    )
    before, after = (sum(shape.regions for shape in extents(result.labels, 4)) for result in (single_precision, clean))
    assert after < before / 20
    assert clean.mixture.to_json() == single_precision.mixture.to_json()
    assert sum(component.pixels for component in clean.components) == clean.labels.size


def test_extents_are_boxes_and_numbers_of_regions():
    labels, _ = drawn(["0011", "0211", "2200"])
    labels[2, 3] = 255
    assert extents(labels, 4) == (
        Extent((0, 0, 3, 3), 2), Extent((0, 2, 2, 4), 1), Extent((1, 0, 3, 2), 1), Extent(None, 0),
    )  # fmt: skip


def test_uncertainty_is_the_entropy_of_the_posterior():
    values = np.array([[[50.0], [75.0], [150.0], [255.0]]])
    shares = GREYS.posterior(values)
    expected = -(shares * np.log(np.maximum(shares, 1e-300))).sum(axis=-1) / np.log(3)
    np.testing.assert_allclose(uncertainty(GREYS, values), expected, atol=1e-6)
    assert (uncertainty(Mixture([1.0], [[50.0]], [[[9.0]]]), values) == 0).all()


def test_novelty_is_a_quantile_of_the_reference():
    reference = np.sort(GREYS.log_density(np.linspace(40, 210, 1000)[:, None]))
    found = novelty(GREYS, np.array([[[50.0], [150.0], [0.0]]]), reference)
    assert found.shape == (1, 3)
    assert found[0, 0] < 0.1
    assert found[0, 1] > 0.5
    assert found[0, 2] == 1


@pytest.mark.parametrize("smallest", [0.001, 0.1])
def test_cleaning_a_picture_in_one_colour_changes_nothing(smallest):
    result = segment(np.full((8, 9, 3), 9, np.uint8), Recipe(smallest_region=smallest))
    assert (result.labels == 0).all()
