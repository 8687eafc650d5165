"""The graph against a recount from pixels, and the heap against the naive loop over all pairs."""

from itertools import pairwise

import numpy as np
import pytest

from segmentation.engine.gmm.regions.graph import borders, build_graph, orientation
from segmentation.engine.gmm.regions.merging import merge_all
from segmentation.engine.gmm.regions.tree import Tree


def recounted(labels, energy_of_leaves, leaves, posteriors, valid):
    """Areas, sums and border lengths of any union of leaves, pixel by pixel; border energies by pairs of leaves."""
    n = labels.max() + 1
    areas, sums = np.zeros(n), np.zeros((n, sum(map(len, posteriors))))
    stacked = np.concatenate(posteriors)
    for y, x in np.argwhere(valid):
        areas[labels[y, x]] += 1
        sums[labels[y, x]] += stacked[:, y, x]
    edges = {}
    height, width = labels.shape
    for y in range(height):
        for x in range(width):
            for v, u in ((y + 1, x), (y, x + 1)):
                if v < height and u < width and labels[y, x] != labels[v, u]:
                    pair = tuple(sorted((int(labels[y, x]), int(labels[v, u]))))
                    leaf = tuple(sorted((int(leaves[y, x]), int(leaves[v, u]))))
                    length, energy = edges.get(pair, (0, 0.0))
                    edges[pair] = length + 1, energy + energy_of_leaves[leaf]
    return areas, sums, edges


def mean_energies(graph):
    return {
        tuple(pair): energy / length
        for pair, energy, length in zip(graph.pairs.tolist(), graph.energies, graph.lengths, strict=True)
    }


def test_the_graph_is_what_is_counted_pixel_by_pixel(scene):
    energy, posteriors, leaves, valid = scene()
    graph = build_graph(leaves, energy, posteriors, valid)
    areas, sums, edges = recounted(leaves, mean_energies(graph), leaves, posteriors, valid)
    np.testing.assert_array_equal(graph.areas, areas)
    np.testing.assert_allclose(graph.sums, sums, rtol=1e-5)
    assert [tuple(pair) for pair in graph.pairs.tolist()] == sorted(edges)
    np.testing.assert_array_equal(graph.lengths, [edges[pair][0] for pair in sorted(edges)])


def naive_crossing(leaves, energy, pair):
    """Sum of q E_a + (1 - q) max_n E_n over a border, written out."""
    points, ends = [], []
    height, width = leaves.shape
    for y in range(height):
        for x in range(width):
            for v, u in ((y + 1, x), (y, x + 1)):
                if v < height and u < width and {int(leaves[y, x]), int(leaves[v, u])} == set(pair):
                    points.append(((y + v) / 2, (x + u) / 2))
                    ends.append(((y, x), (v, u)))
    (vy, vxy), (_, vx) = np.cov(np.array(points).T, ddof=0)
    q = np.sqrt((vx - vy) ** 2 + 4 * vxy**2) / (vx + vy + 0.3)
    turns = ((np.arctan2(2 * vxy, vx - vy) / 2 + np.pi / 2) / (np.pi / 8)) % 8
    below, share = int(turns) % 8, turns % 1
    total = 0.0
    for two in ends:
        along = max((1 - share) * energy[below, y, x] + share * energy[(below + 1) % 8, y, x] for y, x in two)
        total += q * along + (1 - q) * max(energy[:, y, x].max() for y, x in two)
    return total


def test_border_energies_follow_the_direction_of_the_border(scene):
    energy, posteriors, leaves, valid = scene()
    graph = build_graph(leaves, energy, posteriors, valid)
    expected = [naive_crossing(leaves, energy, pair) for pair in graph.pairs.tolist()]
    np.testing.assert_allclose(graph.energies, expected, rtol=1e-5)


@pytest.mark.parametrize(("axis", "degrees"), [(1, 0), (0, 90)])
def test_a_straight_border_has_its_normal(axis, degrees):
    labels = np.zeros((40, 40), int)
    labels[(slice(None),) * axis + (slice(20, None),)] = 1
    angle, straightness = orientation(borders(labels), 40)
    assert np.degrees(angle[0]) % 180 == pytest.approx(degrees)
    assert straightness[0] > 0.99


def naive_tree(graph):
    """Merge the cheapest pair of neighbours, by looking at every pair each time; costs from the formula."""
    n = len(graph.areas)
    total = graph.areas.sum()
    regions = {i: (graph.areas[i], graph.sums[i]) for i in range(n)}
    edges = {
        tuple(pair): (length, energy)
        for pair, length, energy in zip(graph.pairs.tolist(), graph.lengths, graph.energies, strict=True)
    }

    def price(pair):
        (a, p), (b, q) = (regions[i] for i in pair)
        length, energy = edges[pair]
        begins = np.cumsum((0, *graph.sizes))
        distance = np.mean(
            [
                np.sqrt(max(1 - (np.sqrt(p[u:v] / max(a, 1)) * np.sqrt(q[u:v] / max(b, 1))).sum(), 0))
                for u, v in pairwise(begins)
            ]
        )
        size = a * b / (max(a + b, 1) * total)
        return energy / length * distance * size**0.25 * (length / np.sqrt(max(min(a, b), 1))) ** -0.25

    merges, costs = [], []
    for new in range(n, 2 * n - 1):
        pair = min(edges, key=lambda pair: (price(pair), pair))
        costs.append(price(pair))
        merges.append(pair)
        regions[new] = tuple(one + other for one, other in zip(*(regions[i] for i in pair), strict=True))
        del edges[pair]
        for old in pair:
            for edge in [edge for edge in edges if old in edge]:
                length, energy = edges.pop(edge)
                neighbour = edge[0] if edge[1] == old else edge[1]
                more, still = edges.get((neighbour, new), (0, 0.0))
                edges[neighbour, new] = length + more, energy + still
            del regions[old]
    return np.array(merges), np.array(costs)


@pytest.mark.parametrize("seed", range(5))
def test_the_heap_merges_as_the_naive_loop_does(scene, seed):
    energy, posteriors, leaves, valid = scene(seed=seed)
    graph = build_graph(leaves, energy, posteriors, valid)
    tree = merge_all(graph)
    merges, costs = naive_tree(graph)
    np.testing.assert_allclose(tree.costs, costs, rtol=1e-9)
    np.testing.assert_array_equal(tree.merges, merges)


@pytest.mark.parametrize("n_regions", [1, 2, 7])
def test_statistics_add_under_merging(scene, n_regions):
    energy, posteriors, leaves, valid = scene()
    graph = build_graph(leaves, energy, posteriors, valid)
    region = merge_all(graph).cut(n_regions)
    areas, sums, edges = recounted(region[leaves], mean_energies(graph), leaves, posteriors, valid)
    np.testing.assert_allclose(np.bincount(region, graph.areas), areas)
    added = np.zeros_like(sums)
    np.add.at(added, region, graph.sums)
    np.testing.assert_allclose(added, sums, rtol=1e-5)
    added = {}
    for pair, length, e in zip(graph.pairs, graph.lengths, graph.energies, strict=True):
        key = tuple(sorted(region[pair].tolist()))
        if key[0] != key[1]:
            before = added.get(key, (0, 0.0))
            added[key] = before[0] + length, before[1] + e
    assert added.keys() == edges.keys()
    for key, border in added.items():
        assert border == pytest.approx(edges[key])


def test_a_leaf_without_valid_pixels_merges_first(scene):
    energy, posteriors, leaves, _ = scene()
    tree = merge_all(build_graph(leaves, energy, posteriors, leaves != 3))
    assert 3 in tree.merges[0]
    assert tree.costs[0] == 0


def test_every_cut_is_a_refinement_of_the_next(scene):
    energy, posteriors, leaves, valid = scene()
    tree = merge_all(build_graph(leaves, energy, posteriors, valid))
    before = tree.cut(10**6)
    np.testing.assert_array_equal(before, np.arange(tree.n_leaves))
    for n_regions in range(tree.n_leaves - 1, 0, -1):
        after = tree.cut(n_regions)
        assert sorted(set(after.tolist())) == list(range(n_regions))
        assert len({*zip(before.tolist(), after.tolist(), strict=True)}) == n_regions + 1
        before = after


def test_the_number_of_regions_follows_the_running_maximum_of_the_costs():
    tree = Tree(5, np.array([[0, 1], [2, 5], [3, 6], [4, 7]], np.int32), np.array([0.1, 0.3, 0.2, 0.5]))
    assert [tree.n_regions_at(t) for t in (0.05, 0.1, 0.25, 0.3, 1.0)] == [5, 4, 4, 2, 1]
    assert [tree.cost_at(n) for n in (9, 5, 4, 3, 2, 1)] == [0, 0, 0.1, 0.3, 0.3, 0.5]
