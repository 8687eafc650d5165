"""Hierarchical region merging: merge the neighbours with the lowest cost until one region is left."""

import heapq
from collections.abc import Callable

import numpy as np

from segmentation.engine.gmm.mixture.monomials import Float
from segmentation.engine.gmm.regions.graph import Graph, Index
from segmentation.engine.gmm.regions.tree import Tree

SIZE_POWER = 0.25
LENGTH_POWER = -0.25
_REPORT = 64  # mergers between two reports of progress


def merge_all(graph: Graph, on_fraction: Callable[[float], None] = lambda _: None) -> Tree:
    """Return the tree of all mergers, computed with a heap of borders and the neighbours of each region.

    A merged region gets a new number, so that borders of its parts, which stay in the heap, are recognised as outdated. On a
    tie of costs the pair with the smaller numbers is merged first.
    """
    regions = _Regions(graph)
    n = len(graph.areas)
    merges, costs = np.empty((n - 1, 2), np.int32), np.empty(n - 1)
    for step in range(n - 1):
        costs[step], *merges[step] = regions.merge(*regions.cheapest())
        if step % _REPORT == 0:
            on_fraction(step / n)
    return Tree(n, merges, costs)


def merge_cost(affinities: Float, areas: tuple[Float, Float], lengths: Float, energies: Float, total: float) -> Float:
    """Return the cost of merging neighbours, shape (E,): B . D . s^.25 . (l / sqrt(min(a_i, a_j)))^-.25.

    Parameters
    ----------
    affinities : ndarray, shape (E, M)
        sum_k sqrt(p_k q_k) of the mean posteriors p and q under each mixture. D is the mean of sqrt(1 - affinity), the
        Hellinger distance between the two regions.
    areas : two ndarrays, shape (E,)
        a_i and a_j, with s = a_i a_j / ((a_i + a_j) A). A region without a valid pixel costs nothing.
    lengths, energies : ndarray, shape (E,)
        l, and the sums of the boundary energy; B = energies / lengths is the mean energy of the border. A border that is long
        relative to the smaller region lowers the cost.
    total : float
        A, the area of the picture.
    """
    one, other = areas
    distance = np.sqrt(np.maximum(1 - affinities, 0)).mean(axis=1)
    size = one * other / (np.maximum(one + other, 1) * total)
    relative_length = lengths / np.sqrt(np.maximum(np.minimum(one, other), 1))
    cost: Float = energies / lengths * distance * size**SIZE_POWER * relative_length**LENGTH_POWER
    return cost


class _Regions:
    """The regions during merging: 0 .. n - 1 are the leaves, and the m-th merger makes region n + m."""

    def __init__(self, graph: Graph) -> None:
        n = len(graph.areas)
        self.count = n
        self.total = float(graph.areas.sum())
        self.areas = np.concatenate([graph.areas, np.zeros(n - 1)])
        self.sums = np.concatenate([graph.sums, np.zeros((n - 1, graph.sums.shape[1]))])
        self.roots = np.sqrt(self.sums / np.maximum(self.areas, 1)[:, None])  # square roots of the mean posteriors
        self.begins = np.concatenate([[0], np.cumsum(graph.sizes)[:-1]])  # first column of each mixture
        self.neighbours: list[dict[int, tuple[float, float]]] = [
            {} for _ in range(n)
        ]  # length and energy of each border
        costs = self._costs(graph.pairs[:, 0], graph.pairs[:, 1], graph.lengths, graph.energies)
        self.heap = list(zip(costs.tolist(), *graph.pairs.T.tolist(), strict=True))
        heapq.heapify(self.heap)
        borders = zip(graph.lengths.tolist(), graph.energies.tolist(), strict=True)
        for (one, other), border in zip(graph.pairs.tolist(), borders, strict=True):
            self.neighbours[one][other] = self.neighbours[other][one] = border

    def cheapest(self) -> tuple[float, int, int]:
        """Remove the border with the lowest cost from the heap, and return the cost and the two regions."""
        while True:
            pair_cost, one, other = heapq.heappop(self.heap)
            if other in self.neighbours[one]:
                return pair_cost, one, other

    def merge(self, pair_cost: float, one: int, other: int) -> tuple[float, int, int]:
        """Merge two neighbours, and return the cost and the two regions for the tree."""
        new = self.count
        self.count += 1
        self.areas[new] = self.areas[one] + self.areas[other]
        self.sums[new] = self.sums[one] + self.sums[other]
        self.roots[new] = np.sqrt(self.sums[new] / max(self.areas[new], 1))
        merged = self._detach(one, other)
        for neighbour, (length, energy) in self._detach(other, one).items():
            other_length, other_energy = merged.get(neighbour, (0.0, 0.0))
            merged[neighbour] = (other_length + length, other_energy + energy)
        self.neighbours.append(merged)
        for neighbour, border in merged.items():
            self.neighbours[neighbour][new] = border
        if merged:
            self._push(new, merged)
        return pair_cost, one, other

    def _detach(self, region: int, partner: int) -> dict[int, tuple[float, float]]:
        """Remove a region from its neighbours, and return its borders except that with `partner`."""
        borders, self.neighbours[region] = self.neighbours[region], {}
        for neighbour in borders:
            self.neighbours[neighbour].pop(region, None)
        borders.pop(partner, None)
        return borders

    def _push(self, region: int, borders: dict[int, tuple[float, float]]) -> None:
        """Push the borders of a region onto the heap."""
        neighbours = np.fromiter(borders, np.intp, len(borders))
        lengths, energies = np.array(list(borders.values())).T
        costs = self._costs(np.array([region]), neighbours, lengths, energies)
        for pair_cost, neighbour in zip(costs.tolist(), neighbours.tolist(), strict=True):
            heapq.heappush(self.heap, (pair_cost, neighbour, region))

    def _costs(self, one: Index, other: Index, lengths: Float, energies: Float) -> Float:
        affinities = np.add.reduceat(self.roots[one] * self.roots[other], self.begins, axis=1)
        return merge_cost(affinities, (self.areas[one], self.areas[other]), lengths, energies, self.total)
