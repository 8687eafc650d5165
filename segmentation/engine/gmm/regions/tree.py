"""The tree of mergers, from which any number of regions can be cut without further computation."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.mixture.monomials import Float


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """A binary tree over n leaves; the m-th merger makes node n + m."""

    n_leaves: int
    merges: NDArray[np.int32]  # (n - 1, 2) the two nodes of each merger
    costs: Float  # (n - 1,) log-odds that people part the two; not monotone, unlike their running maximum

    def n_regions_at(self, threshold: float) -> int:
        """Return the number of regions that are left when the cost of a merger first exceeds a threshold."""
        above = np.flatnonzero(self.costs > threshold)
        return self.n_leaves - (int(above[0]) if len(above) else len(self.costs))

    def cut(self, n_regions: int) -> NDArray[np.intp]:
        """Return the region (n,) of each leaf when `n_regions` are left, numbered by their first leaves.

        Parameters
        ----------
        n_regions : int
            At least 1; with more than there are leaves, each leaf is a region.
        """
        n_merges = self.n_leaves - min(n_regions, self.n_leaves)
        node = np.arange(self.n_leaves + n_merges)
        for merge in range(n_merges):
            node[self.merges[merge]] = self.n_leaves + merge
        # Parents have larger numbers than their children, so one pass from the root to the leaves suffices.
        for child in range(len(node) - 1, -1, -1):
            node[child] = node[node[child]]
        _, first, region = np.unique(node[: self.n_leaves], return_index=True, return_inverse=True)
        rank = np.empty(len(first), np.intp)
        rank[np.argsort(first)] = np.arange(len(first))
        return rank[region]

    def cost_at(self, n_regions: int) -> float:
        """Return the largest cost of the mergers down to `n_regions`, the scale of the detail slider; -inf without a merger."""
        n_merges = self.n_leaves - min(n_regions, self.n_leaves)
        return float(self.costs[:n_merges].max(initial=-np.inf))
