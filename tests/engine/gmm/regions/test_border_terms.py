"""The terms of a border against their formulas, computed from pixels."""

import numpy as np
import pytest

from segmentation.engine.gmm.regions.border_terms import TERMS, residual_variance
from segmentation.engine.gmm.regions.graph import build_graph
from segmentation.engine.gmm.regions.learnt_weights import WEIGHTS
from segmentation.engine.gmm.regions.merging import Merging
from segmentation.engine.gmm.regions.region_sums import region_sums
from tests.engine.gmm.regions.oracle import Oracle, merged_masks


@pytest.mark.parametrize("n_regions", [25, 12, 3])
def test_terms_are_those_computed_from_the_pixels(scene, n_regions):
    arrays = scene()
    graph = build_graph(**arrays)
    oracle, merging = Oracle(arrays, graph), Merging(graph)
    masks = merged_masks(merging, arrays["labels"], n_regions)
    pairs, borders = merging.borders()
    found = merging.terms(pairs[:, 0], pairs[:, 1], borders)
    assert found.shape == (len(TERMS), len(pairs))
    for (one, other), terms in zip(pairs.tolist(), found.T, strict=True):
        np.testing.assert_allclose(terms, oracle.terms(masks[one], masks[other]), rtol=1e-4, atol=1e-4)


def test_terms_do_not_depend_on_the_order_of_the_two_regions(scene):
    graph = build_graph(**scene())
    merging = Merging(graph)
    one, other = graph.pairs.T
    np.testing.assert_array_equal(merging.terms(one, other, graph.borders), merging.terms(other, one, graph.borders))


def test_each_term_has_one_weight():
    assert len(WEIGHTS) == len(TERMS) == 11


def test_residual_variance_is_that_of_least_squares():
    rng = np.random.default_rng(0)
    colours = rng.normal(0, 3, (3, 40, 60)).astype(np.float32)
    y, x = np.mgrid[:40, :60]
    colours += np.stack([x, 2 * y - x, 0 * x]).astype(np.float32)
    labels = (x > 25).astype(int)
    found = residual_variance(region_sums(labels, colours, [colours[:1]], np.ones(labels.shape, bool)))
    for label in (0, 1):
        inside = labels == label
        design = np.stack([np.ones(inside.sum()), x[inside], y[inside]], axis=1)
        _, squares, *_ = np.linalg.lstsq(design, colours[:, inside].T.astype(float), rcond=None)
        np.testing.assert_allclose(found[label], squares / inside.sum(), rtol=1e-2)


def test_a_ramp_leaves_no_variance_and_neither_does_a_single_pixel():
    y, x = np.mgrid[:30, :50]
    ramp = np.stack([x + y, 100 - x, y]).astype(np.float32)
    labels = np.zeros((30, 50), int)
    labels[12, 17] = 1
    found = residual_variance(region_sums(labels, ramp, [ramp[:1]], np.ones(labels.shape, bool)))
    assert (found >= 0).all()
    assert found.max() < 0.05
