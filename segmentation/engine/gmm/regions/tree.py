"""The order in which regions merge: any number of regions can be cut from it, without computing anything again."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.regions.em_float32 import Float


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """A binary tree over n leaves; the m-th merge makes node n + m."""

    n_leaves: int
    merges: NDArray[np.int32]  # (n - 1, 2) nodes
    costs: Float  # (n - 1,), not monotone: their running maximum is

    def n_regions_at(self, threshold: float) -> int:
        """How many regions are left when the running maximum of the costs first exceeds a threshold."""
        dear = np.flatnonzero(self.costs > threshold)
        return self.n_leaves - (int(dear[0]) if len(dear) else len(self.costs))

    def cut(self, n_regions: int) -> NDArray[np.intp]:
        """Region (n,) of each leaf when `n_regions` are left, numbered by their first leaves.

        Parameters
        ----------
        n_regions : int
            At least 1; more than there are leaves means each by itself.
        """
        n_merges = self.n_leaves - min(n_regions, self.n_leaves)
        node = np.arange(self.n_leaves + n_merges)
        for merge in range(n_merges):
            node[self.merges[merge]] = self.n_leaves + merge
        # Parents have larger numbers than their children, so that one pass from the top down reaches all.
        for child in range(len(node) - 1, -1, -1):
            node[child] = node[node[child]]
        _, first, region = np.unique(node[: self.n_leaves], return_index=True, return_inverse=True)
        rank = np.empty(len(first), np.intp)
        rank[np.argsort(first)] = np.arange(len(first))
        return rank[region]

    def cost_at(self, n_regions: int) -> float:
        """Running maximum of the costs down to `n_regions`: the value of the detail slider. 0 before the first merge."""
        n_merges = self.n_leaves - min(n_regions, self.n_leaves)
        return float(self.costs[:n_merges].max(initial=0.0))
