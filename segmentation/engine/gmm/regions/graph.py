"""Which regions touch, along how long a border, and how much changes across it: sums, so that merging just adds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from segmentation.engine.gmm.mixture.monomials import Float32
from segmentation.engine.gmm.regions.em_float32 import Float

ROUND = 0.3  # squared pixels; a border as short as its own width has no direction
Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """n regions with their sums, and E pairs of neighbours with theirs."""

    areas: Float  # (n,) valid pixels
    sums: Float  # (n, C) posteriors of all mixtures, side by side, summed over the valid pixels
    sizes: tuple[int, ...]  # components of each mixture, together C
    pairs: Index  # (E, 2), the smaller label first, in ascending order
    lengths: Float  # (E,) pairs of 4-neighbour pixels across the border
    energies: Float  # (E,) boundary energy, summed over these


@dataclass(frozen=True, slots=True, eq=False)
class Borders:
    """Every pair of 4-neighbour pixels with different labels, and the pair of regions that it separates."""

    first: Index  # (m,) flat index of the left or upper pixel
    second: Index  # (m,) of the right or lower one
    edge: Index  # (m,) index into `pairs`
    pairs: Index  # (E, 2)


def build_graph(
    labels: NDArray[np.integer], energy: Float32, posteriors: Sequence[Float32], valid: NDArray[np.bool_]
) -> Graph:
    """The graph of a label map.

    Parameters
    ----------
    labels : ndarray, shape (H, W), int
        0 .. n - 1.
    energy : ndarray, shape (8, H, W), float32
        From `energy.energies`.
    posteriors : sequence of ndarray, shape (K, H, W), float32
    valid : ndarray, shape (H, W), bool
        Pixels that count in areas and sums; borders count everywhere.
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
    """Sparse matrix (n, H W): 1 where a valid pixel has a label."""
    flat = labels.ravel()
    by_pixel = (valid.ravel().astype(np.float32), flat, np.arange(flat.size + 1))
    return csr_array(by_pixel, shape=(flat.size, int(flat.max()) + 1)).T.tocsr()


def borders(labels: NDArray[np.integer]) -> Borders:
    """Find all borders of a label map (H, W)."""
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
    """Boundary energy at each pair of pixels (m,): q E_a + (1 - q) max_n E_n, the larger of its two pixels.

    a is the normal of the whole border between the two regions, q its straightness.
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
    """Normal's angle from the x axis towards the y axis, and straightness from 0 to 1, of each border (E,).

    From the central moments v of the points between its pixels: the principal axis lies at half the angle of
    (vx - vy, 2 vxy), and q = sqrt((vx - vy)^2 + 4 vxy^2) / (vx + vy + .3).
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
