"""The way of a fit, and the tree of regions, as arrays that go into ``fit.npz``; and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm import Mixture, Segmentation
from segmentation.engine.gmm.fit.parameters import pack, unpack
from segmentation.engine.gmm.mixture.monomials import CENTRE, SCALE
from segmentation.engine.recipe import Covariance

MOST_NUMBERS = 2**17
"""Of the path that are kept: one megabyte. Longer ones are thinned evenly; their first and last point stay."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Where a fit stood."""

    iteration: int  # evaluations before it: 0 is the start, the last one is the result
    mixture: Mixture


def path(segmentation: Segmentation) -> dict[str, NDArray[np.generic]]:
    """The mixtures that a fit went through, in the order of the labels; empty of regions, which are not iterated.

    Returns
    -------
    dict
        `path` (n, K, 1 + D + D (D + 1) / 2) as of `parameters.pack`, the last one the result's own mixture; and
        `path_iterations` (n,), how many evaluations were before each.
    """
    if not len(segmentation.path):
        return {}
    mixture, walked = segmentation.mixture, segmentation.path
    most = max(MOST_NUMBERS // walked[0].size, 2)
    places = np.unique(np.linspace(0, len(walked) - 1, min(most - 1, len(walked))).astype(np.int64))
    last = pack(mixture.weights, (mixture.means - CENTRE) / SCALE, mixture.covariances / SCALE**2)
    return {
        "path": np.concatenate([walked[places], last.reshape(1, *walked.shape[1:])]),
        "path_iterations": np.append(places, len(walked)),
    }


def frames(arrays: Mapping[str, Any], covariance_type: Covariance) -> list[Frame]:
    """The mixtures of `path`, to replay a fit; none where a file has none."""
    if "path" not in arrays:
        return []
    return [
        Frame(int(iteration), unpack(point.ravel(), len(point), covariance_type))
        for point, iteration in zip(arrays["path"], arrays["path_iterations"], strict=True)
    ]


def tree(segmentation: Segmentation) -> dict[str, NDArray[np.generic]]:
    """How regions were merged, so that any number of them can be cut from it; empty of colours.

    Returns
    -------
    dict
        `tree_leaves` (h, w) the leaf of each pixel of the picture as it was analysed; `tree_areas` (n,) pixels of each
        leaf there; `tree_merges` (n - 1, 2) the two nodes of each merge, the m-th of which makes node n + m;
        `tree_costs` (n - 1,) what each costs, of either sign: its running maximum is the scale of detail; and
        `tree_scale`, "log-odds", the unit of the costs. Files without it are of an earlier release, whose costs were
        products above 0.
    """
    hierarchy = segmentation.hierarchy
    if hierarchy is None:
        return {}
    leaves = hierarchy.leaves.astype(np.min_scalar_type(hierarchy.tree.n_leaves))
    return {
        "tree_leaves": leaves,
        "tree_areas": np.bincount(leaves.ravel(), minlength=hierarchy.tree.n_leaves),
        "tree_merges": hierarchy.tree.merges,
        "tree_costs": hierarchy.tree.costs,
        "tree_scale": np.array("log-odds"),
    }
