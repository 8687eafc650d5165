"""The heap against a naive loop over all pairs, whose costs are computed from pixels; and the cuts of the tree."""

import numpy as np
import pytest

from segmentation.engine.gmm.regions import merging
from segmentation.engine.gmm.regions.graph import build_graph
from segmentation.engine.gmm.regions.learnt_weights import WEIGHTS
from segmentation.engine.gmm.regions.merging import merge_all
from segmentation.engine.gmm.regions.tree import Tree
from tests.engine.gmm.regions.oracle import Oracle, naive_tree

OTHER_WEIGHTS = (1.0, 1.0, 2.0, -0.5, 0.5, 1.0, -1.0, 0.3, 2.0, -1.0, 1.0)


@pytest.mark.parametrize(
    ("seed", "weights", "first_regions"), [(0, WEIGHTS, 250), (1, WEIGHTS, 11), (2, OTHER_WEIGHTS, 250)]
)
def test_the_heap_merges_as_the_naive_loop_does(scene, monkeypatch, seed, weights, first_regions):
    monkeypatch.setattr(merging, "FIRST_REGIONS", first_regions)
    arrays = scene(seed=seed)
    graph = build_graph(**arrays)
    tree = merge_all(graph, weights=weights)
    merges, costs, products = naive_tree(Oracle(arrays, graph), weights, first_regions)
    assert products == max(len(graph.sums) - first_regions, 0)
    np.testing.assert_array_equal(tree.merges, merges)
    np.testing.assert_allclose(tree.costs[products:], costs[products:], rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(tree.costs[:products], min(tree.costs[products:].min(), 0))


def test_a_leaf_without_valid_pixels_merges_first(scene):
    arrays = scene()
    with np.errstate(all="raise"):
        tree = merge_all(build_graph(**arrays | {"valid": arrays["labels"] != 3}))
    assert 3 in tree.merges[0]
    assert np.isfinite(tree.costs).all()
    assert tree.costs[0] == min(tree.costs.min(), 0)


def test_one_valid_pixel_is_enough(scene):
    arrays = scene()
    valid = np.zeros(arrays["labels"].shape, bool)
    valid[5, 7] = True
    with np.errstate(all="raise"):
        tree = merge_all(build_graph(**arrays | {"valid": valid}))
    assert (tree.costs == 0).all()
    assert tree.n_regions_at(0.0) == 1


def test_leaves_that_are_equal_merge_first_whatever_they_cost(scene):
    arrays = scene()
    posteriors = [np.full_like(p, 1 / len(p)) for p in arrays["posteriors"]]
    with np.errstate(all="raise"):
        tree = merge_all(build_graph(**arrays | {"posteriors": posteriors, "energy": np.zeros_like(arrays["energy"])}))
    assert (tree.costs == 0).all()


def test_every_cut_is_a_refinement_of_the_next(scene):
    tree = merge_all(build_graph(**scene()))
    before = tree.cut(10**6)
    np.testing.assert_array_equal(before, np.arange(tree.n_leaves))
    for n_regions in range(tree.n_leaves - 1, 0, -1):
        after = tree.cut(n_regions)
        assert sorted(set(after.tolist())) == list(range(n_regions))
        assert len({*zip(before.tolist(), after.tolist(), strict=True)}) == n_regions + 1
        before = after


@pytest.mark.parametrize("seed", range(3))
def test_more_detail_never_gives_fewer_regions(scene, seed):
    tree = merge_all(build_graph(**scene(seed=seed)))
    counts = [tree.n_regions_at(cost) for cost in np.linspace(tree.costs.min() - 1, tree.costs.max() + 1, 200)]
    assert counts == sorted(counts, reverse=True)
    assert (counts[0], counts[-1]) == (tree.n_leaves, 1)
    costs = [tree.cost_at(n_regions) for n_regions in range(1, tree.n_leaves + 1)]
    assert costs == sorted(costs, reverse=True)
    assert all(tree.n_regions_at(cost) <= n_regions for n_regions, cost in enumerate(costs, start=1))
    assert all(tree.cost_at(tree.n_regions_at(cost)) == cost for cost in costs)


def test_the_number_of_regions_follows_the_running_maximum_of_the_costs():
    tree = Tree(5, np.array([[0, 1], [2, 5], [3, 6], [4, 7]], np.int32), np.array([-2.0, 0.3, -0.2, 1.5]))
    assert [tree.n_regions_at(t) for t in (-3, -2, 0, 0.25, 0.3, 2.0)] == [5, 4, 4, 4, 2, 1]
    assert [tree.cost_at(n) for n in (9, 5, 4, 3, 2, 1)] == [-np.inf, -np.inf, -2, 0.3, 0.3, 1.5]
