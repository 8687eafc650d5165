"""The region adjacency graph: areas and posteriors of regions, lengths and boundary energies of borders, all as sums.

Those of merged regions are added.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from segmentation.engine.gmm.mixture.monomials import Float, Float32

ROUND = 0.3  # squared pixels; makes the straightness of very short borders small
Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """The region adjacency graph of n regions and E borders between them."""

    areas: Float  # (n,) number of valid pixels
    sums: Float  # (n, C) sums of the posteriors over the valid pixels, all mixtures side by side
    sizes: tuple[int, ...]  # number of components of each mixture, C in total
    pairs: Index  # (E, 2) the two regions of each border, the smaller label first, in ascending order
    lengths: Float  # (E,) number of pairs of 4-neighbour pixels across the border
    energies: Float  # (E,) sum of the boundary energy over these pairs


@dataclass(frozen=True, slots=True, eq=False)
class Borders:
    """All pairs of 4-neighbour pixels with different labels, and the border that each belongs to."""

    first: Index  # (m,) flat index of the left or upper pixel
    second: Index  # (m,) flat index of the right or lower pixel
    edge: Index  # (m,) index into `pairs`
    pairs: Index  # (E, 2) the two regions of each border


def build_graph(
    labels: NDArray[np.integer], energy: Float32, posteriors: Sequence[Float32], valid: NDArray[np.bool_]
) -> Graph:
    """Return the region adjacency graph of a label map.

    Parameters
    ----------
    labels : ndarray, shape (H, W), int
        0 .. n - 1.
    energy : ndarray, shape (8, H, W), float32
        From `energy.energies`.
    posteriors : sequence of ndarray, shape (K, H, W), float32
    valid : ndarray, shape (H, W), bool
        Pixels that are counted in areas and sums; borders are counted everywhere.
    """
    found = borders(labels)
    across = crossing(found, energy)
    n_edges = len(found.pairs)
    members = membership(labels, valid)
    sums = [members @ np.ascontiguousarray(p.reshape(len(p), -1).T) for p in posteriors]
    return Graph(
        areas=members.sum(axis=1).astype(np.float64),
        sums=np.concatenate(sums, axis=1).astype(np.float64),
        sizes=tuple(len(p) for p in posteriors),
        pairs=found.pairs,
        lengths=np.bincount(found.edge, minlength=n_edges).astype(np.float64),
        energies=np.bincount(found.edge, across, minlength=n_edges).astype(np.float64),
    )


def membership(labels: NDArray[np.integer], valid: NDArray[np.bool_]) -> csr_array:
    """Return a sparse matrix (n, H W) that is 1 where a valid pixel has a label."""
    flat = labels.ravel()
    by_pixel = (valid.ravel().astype(np.float32), flat, np.arange(flat.size + 1))
    return csr_array(by_pixel, shape=(flat.size, int(flat.max()) + 1)).T.tocsr()


def borders(labels: NDArray[np.integer]) -> Borders:
    """Return all borders of a label map (H, W)."""
    index = np.arange(labels.size).reshape(labels.shape)
    right = labels[:, :-1] != labels[:, 1:]
    down = labels[:-1] != labels[1:]
    first = np.concatenate([index[:, :-1][right], index[:-1][down]])
    second = np.concatenate([index[:, 1:][right], index[1:][down]])
    flat = labels.ravel().astype(np.int64)
    n = int(flat.max()) + 1
    one, other = flat[first], flat[second]
    codes, edge = np.unique(np.minimum(one, other) * n + np.maximum(one, other), return_inverse=True)
    return Borders(first, second, edge, np.stack([codes // n, codes % n], axis=1))


def crossing(found: Borders, energy: Float32) -> Float:
    """Return the boundary energy of each pair of pixels (m,): q E_a + (1 - q) max_n E_n.

    Each term is the larger one of the pair's two pixels. a is the normal of the border that the pair belongs to, and q its
    straightness.
    """
    n_normals, _, width = energy.shape
    angle, straightness = orientation(found, width)
    turns = angle * (n_normals / np.pi) % n_normals
    below = turns.astype(np.intp) % n_normals
    share = (turns - np.floor(turns))[found.edge]
    below = below[found.edge]
    above = (below + 1) % n_normals
    flat = energy.reshape(n_normals, -1)
    peak = flat.max(axis=0)
    along = [(1 - share) * flat[below, pixel] + share * flat[above, pixel] for pixel in (found.first, found.second)]
    q = straightness[found.edge]
    energies: Float = q * np.maximum(*along) + (1 - q) * np.maximum(peak[found.first], peak[found.second])
    return energies


def orientation(found: Borders, width: int) -> tuple[Float, Float]:
    """Return the angle of the normal, from the x axis towards the y axis, and the straightness, 0 to 1, of each border (E,).

    They follow from the central moments v of the points between the pixels of each pair: the principal axis has half the angle
    of (vx - vy, 2 vxy), and the straightness is sqrt((vx - vy)^2 + 4 vxy^2) / (vx + vy + .3).
    """
    n_edges = len(found.pairs)
    lengths = np.bincount(found.edge, minlength=n_edges)

    def mean(values: Float) -> Float:
        averages: Float = np.bincount(found.edge, values, minlength=n_edges) / lengths
        return averages

    x = (found.first % width + found.second % width) / 2
    y = (found.first // width + found.second // width) / 2
    x -= mean(x)[found.edge]
    y -= mean(y)[found.edge]
    difference, covariance = mean(x * x) - mean(y * y), 2 * mean(x * y)
    total = mean(x * x) + mean(y * y)
    return (np.arctan2(covariance, difference) + np.pi) / 2, np.hypot(difference, covariance) / (total + ROUND)
