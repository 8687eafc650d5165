"""Hierarchical region merging: merge the neighbours with the lowest cost until one region is left.

Small regions are merged by a product of four terms (`merge_cost`), whose exponents were chosen by hand. From `FIRST_REGIONS`
regions on, the cost of a border is the log-odds that people draw one there, a weighted sum of the terms of `border_terms`.
"""

import heapq
from collections.abc import Callable, Sequence

import numpy as np

from segmentation.engine.gmm.mixture.mixture import quantise
from segmentation.engine.gmm.mixture.monomials import Float
from segmentation.engine.gmm.regions.border_terms import ENERGY, LENGTH, border_terms, hellinger_distance
from segmentation.engine.gmm.regions.graph import Graph, Index
from segmentation.engine.gmm.regions.learnt_weights import WEIGHTS
from segmentation.engine.gmm.regions.region_sums import AREA, PERIMETER, POSTERIORS
from segmentation.engine.gmm.regions.tree import Tree

FIRST_REGIONS = 250
"""Number of regions from which on the cost is the log-odds: smaller regions are too many, and too small for what people draw."""

SIZE_POWER = 0.25
"""Exponent of size over relative length in the product."""

COST_QUANTUM = 2.0**-20
"""Log-odds are rounded to multiples of this, so that last bits, in which processors differ, decide nothing."""

_REPORT = 64  # mergers between two reports of progress

Border = tuple[float, float, float]  # length, boundary energy and colour difference, as in `Graph.borders`


def merge_all(
    graph: Graph, on_fraction: Callable[[float], None] = lambda _: None, weights: Sequence[float] = WEIGHTS
) -> Tree:
    """Return the tree of all mergers.

    Every cost is in log-odds. A merger before `FIRST_REGIONS` gets the lowest cost of the later ones, but at most 0, because
    it is made first whatever its cost.
    """
    merging = Merging(graph, weights)
    n = merging.n_regions
    merges, costs = np.empty((n - 1, 2), np.int32), np.empty(n - 1)
    first = n - 1
    for step in range(n - 1):
        costs[step], *merges[step] = merging.merge_cheapest()
        if merging.uses_log_odds:
            first = min(first, step)
        if step % _REPORT == 0:
            on_fraction(step / n)
    costs[:first] = costs[first:].min(initial=0.0)
    return Tree(n, merges, costs)


def merge_cost(affinities: Float, areas: tuple[Float, Float], borders: Float, total: float) -> Float:
    """Return the cost of merging small neighbours, shape (E,): B . D . (s / r)^.25.

    Parameters
    ----------
    affinities : ndarray, shape (E, M)
        sum_k sqrt(p_k q_k) of the mean posteriors p and q under each mixture. D is the mean of sqrt(1 - affinity), the
        Hellinger distance between the two regions.
    areas : two ndarrays, shape (E,) or (1,)
        a_i and a_j, with s = a_i a_j / ((a_i + a_j) A). A region without a valid pixel costs nothing.
    borders : ndarray, shape (E, 3)
        Length l, boundary energy and colour difference; B = energy / length is the mean energy of the border, and
        r = l / sqrt(min(a_i, a_j)) its relative length, which lowers the cost.
    total : float
        A, the area of the picture.
    """
    one, other = areas
    size = one * other / (np.maximum(one + other, 1) * total)
    relative_length = borders[:, LENGTH] / np.sqrt(np.maximum(np.minimum(one, other), 1))
    cost: Float = borders[:, ENERGY] / borders[:, LENGTH] * hellinger_distance(affinities)
    return cost * (size / relative_length) ** SIZE_POWER


class Merging:
    """The regions during merging, with a heap of borders and the neighbours of each region.

    Regions 0 .. n - 1 are the leaves, and the m-th merger makes region n + m. Because a merged region gets a new number,
    borders of its parts, which stay in the heap, are recognised as outdated. On a tie of costs the pair with the smaller
    numbers is merged first.
    """

    def __init__(self, graph: Graph, weights: Sequence[float] = WEIGHTS) -> None:
        n = len(graph.sums)
        self.n_regions = n
        self.uses_log_odds = False
        self._count = n
        self._weights = np.array(weights)[:, None]
        self._total = float(graph.sums[:, AREA].sum())
        self.sums = np.concatenate([graph.sums, np.zeros((n - 1, graph.sums.shape[1]))])
        self._roots = _square_roots(self.sums)  # of the mean posteriors
        self._begins = np.concatenate([[0], np.cumsum(graph.sizes)[:-1]])  # first column of each mixture
        self._neighbours: list[dict[int, Border]] = [{} for _ in range(n)]
        for (one, other), (length, energy, contrast) in zip(graph.pairs.tolist(), graph.borders.tolist(), strict=True):
            self._neighbours[one][other] = self._neighbours[other][one] = length, energy, contrast
        self._fill_heap()

    def merge_cheapest(self) -> tuple[float, int, int]:
        """Merge the two neighbours whose border has the lowest cost, and return the cost and the two regions."""
        cost, one, other = self._pop()
        if not self.uses_log_odds and self.n_regions <= FIRST_REGIONS and cost > 0:
            self.uses_log_odds = True  # what costs nothing has gone before: every region has valid pixels now
            self._fill_heap()
            cost, one, other = self._pop()
        self._merge(one, other)
        return cost, one, other

    def borders(self) -> tuple[Index, Float]:
        """Return the pairs of neighbours (E, 2) of the moment, and the sums (E, 3) over their borders."""
        found = [(one, other, *border) for one, near in enumerate(self._neighbours) for other, border in near.items()]
        rows = np.array([row for row in found if row[0] < row[1]]).reshape(-1, 5)
        return rows[:, :2].astype(np.intp), rows[:, 2:]

    def terms(self, one: Index, other: Index, borders: Float) -> Float:
        """Return the terms (11, E) of the borders (E, 3) between regions (E,) or (1,) and (E,)."""
        sums = self.sums[:, : POSTERIORS.start]
        return border_terms(sums[one], sums[other], self._affinities(one, other), borders, self._total)

    def _pop(self) -> tuple[float, int, int]:
        """Remove the border with the lowest cost from the heap, and return the cost and the two regions."""
        while True:
            cost, one, other = heapq.heappop(self._heap)
            if other in self._neighbours[one]:
                return cost, one, other

    def _merge(self, one: int, other: int) -> None:
        new = self._count
        self._count += 1
        self.n_regions -= 1
        length = self._neighbours[one][other][0]
        self.sums[new] = self.sums[one] + self.sums[other]
        self.sums[new, PERIMETER] -= 2 * length
        self._roots[new] = _square_roots(self.sums[new])
        merged = self._detach(one, other)
        for neighbour, border in self._detach(other, one).items():
            known = merged.get(neighbour)
            merged[neighbour] = (
                border if known is None else (known[0] + border[0], known[1] + border[1], known[2] + border[2])
            )
        self._neighbours.append(merged)
        for neighbour, border in merged.items():
            self._neighbours[neighbour][new] = border
        if merged:
            self._push(new, merged)

    def _detach(self, region: int, partner: int) -> dict[int, Border]:
        """Remove a region from its neighbours, and return its borders except that with `partner`."""
        borders, self._neighbours[region] = self._neighbours[region], {}
        for neighbour in borders:
            self._neighbours[neighbour].pop(region, None)
        borders.pop(partner, None)
        return borders

    def _push(self, region: int, borders: dict[int, Border]) -> None:
        """Push the borders of a region, which has the largest number, onto the heap."""
        neighbours = np.fromiter(borders, np.intp, len(borders))
        costs = self._costs(np.array([region]), neighbours, np.array(list(borders.values())))
        for cost, neighbour in zip(costs.tolist(), neighbours.tolist(), strict=True):
            heapq.heappush(self._heap, (cost, neighbour, region))

    def _fill_heap(self) -> None:
        """Fill the heap with all borders of the moment."""
        pairs, borders = self.borders()
        costs = self._costs(pairs[:, 0], pairs[:, 1], borders) if len(pairs) else np.empty(0)
        self._heap = list(zip(costs.tolist(), *pairs.T.tolist(), strict=True))
        heapq.heapify(self._heap)

    def _costs(self, one: Index, other: Index, borders: Float) -> Float:
        if self.uses_log_odds:
            # Added term by term, because the last bits of a matrix product depend on the processor.
            return quantise((self._weights * self.terms(one, other, borders)).sum(axis=0), COST_QUANTUM)
        areas = self.sums[one, 0], self.sums[other, 0]
        return merge_cost(self._affinities(one, other), areas, borders, self._total)

    def _affinities(self, one: Index, other: Index) -> Float:
        return np.add.reduceat(self._roots[one] * self._roots[other], self._begins, axis=1)


def _square_roots(sums: Float) -> Float:
    """Return the square roots of the mean posteriors of regions, given their sums (..., 25 + C)."""
    roots: Float = np.sqrt(sums[..., POSTERIORS] / np.maximum(sums[..., AREA], 1))
    return roots
