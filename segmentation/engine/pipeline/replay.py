"""The mixtures of each iteration of a fit, and the tree of regions, as arrays for ``fit.npz`` and back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm import Mixture, Segmentation
from segmentation.engine.gmm.fit.parameters import pack, unpack
from segmentation.engine.gmm.mixture.monomials import CENTRE, SCALE
from segmentation.engine.recipe import Covariance

MAX_PATH_NUMBERS = 2**17
"""Numbers of a path that are stored, one megabyte. Of a longer path, evenly spaced iterations with the first and last are stored."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The mixture of a fit after a number of iterations."""

    iteration: int  # evaluations of EM before it: 0 for the start, the largest for the result
    mixture: Mixture


def path(segmentation: Segmentation) -> dict[str, NDArray[np.generic]]:
    """Return the mixture after each iteration of a fit; empty for the preset *Regions*, which has no iterations.

    Returns
    -------
    dict
        `path` (n, K, 1 + D + D (D + 1) / 2) as `parameters.pack` returns them, components in the order of the labels, the last one the
        mixture of the result; `path_iterations` (n,) the number of evaluations before each.
    """
    if not len(segmentation.path):
        return {}
    mixture, mixtures = segmentation.mixture, segmentation.path
    max_points = max(MAX_PATH_NUMBERS // mixtures[0].size, 2)
    indices = np.unique(np.linspace(0, len(mixtures) - 1, min(max_points - 1, len(mixtures))).astype(np.int64))
    last = pack(mixture.weights, (mixture.means - CENTRE) / SCALE, mixture.covariances / SCALE**2)
    return {
        "path": np.concatenate([mixtures[indices], last.reshape(1, *mixtures.shape[1:])]),
        "path_iterations": np.append(indices, len(mixtures)),
    }


def frames(arrays: Mapping[str, Any], covariance_type: Covariance) -> list[Frame]:
    """Return the mixtures that `path` has stored, in order; empty when there are none."""
    if "path" not in arrays:
        return []
    return [
        Frame(int(iteration), unpack(point.ravel(), len(point), covariance_type))
        for point, iteration in zip(arrays["path"], arrays["path_iterations"], strict=True)
    ]


def tree(segmentation: Segmentation) -> dict[str, NDArray[np.generic]]:
    """Return the tree of regions, from which any number of regions can be cut; empty for the preset *Colours*.

    Returns
    -------
    dict
        `tree_leaves` (h, w) the leaf of each pixel of the picture at the size at which it was analysed; `tree_areas` (n,) the
        pixels of each leaf at that size; `tree_merges` (n - 1, 2) the two nodes of each merge, where merge m makes node n + m;
        `tree_costs` (n - 1,) the cost of each merge, of either sign, whose running maximum is the scale of detail; and
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


def mixed_pixels(segmentation: Segmentation) -> dict[str, NDArray[np.generic]]:
    """Return the model of mixed pixels and the areas by coverage as arrays; empty without mixed pixels.

    Returns
    -------
    dict
        `mixed_weights` (K,), `mixed_means` (K, D) and `mixed_covariances` (K, D, D) of pure pixels; `mixed_pairs` (P, 2) and
        `mixed_pair_weights` (P,); `mixed_outliers` () the weight of outliers; `coverage_pure` (K,), `coverage_shared` (P, 2),
        `coverage_by_labels` (K,) and `coverage_by_tied` (K,), as in `Coverage`.
    """
    model, areas = segmentation.mixed_pixels, segmentation.coverage
    if model is None or areas is None:
        return {}
    return {
        "mixed_weights": model.weights,
        "mixed_means": model.means,
        "mixed_covariances": model.covariances,
        "mixed_pairs": model.pairs,
        "mixed_pair_weights": model.pair_weights,
        "mixed_outliers": np.array(model.outliers),
        "coverage_pure": areas.pure,
        "coverage_shared": areas.shared,
        "coverage_by_labels": areas.by_labels,
        "coverage_by_tied": areas.by_tied,
    }
