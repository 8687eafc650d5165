"""The region adjacency graph: sums over the pixels of regions and over the pixel pairs of borders.

Those of merged regions are added.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.mixture.monomials import Float, Float32
from segmentation.engine.gmm.regions.region_sums import PERIMETER, region_sums

ROUND = 0.3  # squared pixels; makes the straightness of very short borders small
Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """The region adjacency graph of n regions and E borders between them."""

    sums: Float  # (n, 25 + C) sums over each region, from `region_sums`, with the sides towards other regions
    sizes: tuple[int, ...]  # number of components of each mixture, C in total
    pairs: Index  # (E, 2) the two regions of each border, the smaller label first, in ascending order
    borders: Float  # (E, 3) number of pairs of 4-neighbour pixels across the border, and sums over these pairs of the
    # boundary energy and of the colour difference


@dataclass(frozen=True, slots=True, eq=False)
class Borders:
    """All pairs of 4-neighbour pixels with different labels, and the border that each belongs to."""

    first: Index  # (m,) flat index of the left or upper pixel
    second: Index  # (m,) flat index of the right or lower pixel
    edge: Index  # (m,) index into `pairs`
    pairs: Index  # (E, 2) the two regions of each border


def build_graph(
    labels: NDArray[np.integer],
    colours: Float32,
    energy: Float32,
    posteriors: Sequence[Float32],
    valid: NDArray[np.bool_],
) -> Graph:
    """Return the region adjacency graph of a label map.

    Parameters
    ----------
    labels : ndarray, shape (H, W), int
        0 .. n - 1.
    colours : ndarray, shape (3, H, W), float32
        CIE L*a*b*, slightly blurred.
    energy : ndarray, shape (8, H, W), float32
        From `energy.energies`.
    posteriors : sequence of ndarray, shape (K, H, W), float32
    valid : ndarray, shape (H, W), bool
        Pixels that are counted in areas and sums; borders and perimeters are counted everywhere.
    """
    found = borders(labels)
    flat = colours.reshape(3, -1)
    difference = np.sqrt(((flat[:, found.first] - flat[:, found.second]) ** 2).sum(axis=0))
    values = (None, crossing(found, energy), difference)
    sums = region_sums(labels, colours, posteriors, valid)
    by_border = np.column_stack([np.bincount(found.edge, value, len(found.pairs)) for value in values]).astype(
        np.float64
    )
    sums[:, PERIMETER] += np.bincount(found.pairs.ravel(), np.repeat(by_border[:, 0], 2), len(sums))[:, None]
    return Graph(sums, tuple(len(p) for p in posteriors), found.pairs, by_border)


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
