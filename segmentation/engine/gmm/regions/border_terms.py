"""The eleven terms from which the log-odds are computed that people draw a border between two neighbouring regions.

Merging regions by the output of a classifier that has learnt from segmentations drawn by people is the method of Ren and
Shakhnarovich (2013, "Image segmentation by cascaded region agglomeration") and of Nunez-Iglesias et al. (2013, "Machine
learning of hierarchical clustering to segment 2D and 3D images"). Here the classifier is a logistic regression, whose weights
stand in `learnt_weights`. Logarithms make products of powers out of its sums; the constant in each keeps 0 finite.
"""

import numpy as np

from segmentation.engine.gmm.mixture.monomials import Float
from segmentation.engine.gmm.regions.region_sums import (
    AREA,
    COLOUR,
    COLOUR_X,
    COLOUR_Y,
    EDGE,
    GRADIENT,
    ORIENTATION,
    PERIMETER,
    POSITION,
    SQUARE,
)

TERMS = (
    "constant",
    "boundary energy",
    "posteriors",
    "size",
    "relative length",
    "mean colour",
    "contrast",
    "residual variance",
    "picture's edge",
    "ramp",
    "orientation",
)
LENGTH, ENERGY, CONTRAST = range(3)  # columns of the sums over a border

_LEAST_VARIANCE = 1e-6  # of a coordinate, far below that of two pixels; a single pixel has none
_LEAST_DETERMINANT = 1e-14


def border_terms(one: Float, other: Float, affinities: Float, borders: Float, total: float) -> Float:
    """Return the terms of the borders between pairs of regions.

    With areas a and b, a <= b, border length l, picture area A, and means over a border of l pixel pairs:

    0. 1
    1. log(B + 1e-4): boundary energy, B the mean of `energy.energies` across the border.
    2. log(D + 1e-4): posteriors, D the mean over the mixtures of the Hellinger distance (Hellinger, 1909) between the mean
       posteriors of the two regions.
    3. log(a b / ((a + b) A)): size, the factor of the merging cost of Ward (1963).
    4. log(l / sqrt(a)): relative length; a border that is long relative to the smaller region is part of its inside.
    5. 1/2 log(d^2 + 1): mean colour, d the difference between the two regions (CIE 1976).
    6. log(c + .3): contrast, c the mean colour difference of the pixel pairs across the border (the edge weight of
       Felzenszwalb and Huttenlocher, 2004).
    7. 1/2 log(V + 1): residual variance, V the pooled variance of colour around a plane in x and y for each region (the
       sloped facet model of Haralick and Watson, 1981).
    8. The smaller, of the two regions, of the share of the perimeter that lies on the picture's edge (the boundary
       connectivity of Zhu et al., 2014); regions that both end there are more often sky and ground.
    9. 1/2 log(R + .3): ramp, R = (V' - V) / (4 a b / (a + b)^2 + .02) with V' the variance around one plane for both; small
       where a border lies on a smooth ramp, such as the sky.
    10. 1/2 log(o^2 + .01): orientation, o the distance between the mean orientation vectors (Granlund, 1978), each relative
        to the mean gradient magnitude.

    Parameters
    ----------
    one, other : ndarray, shape (E, 25) or (1, 25)
        Sums over the regions (`region_sums`) without the posteriors; each has at least one valid pixel.
    affinities : ndarray, shape (E, M)
        sum_k sqrt(p_k q_k) of the mean posteriors p and q under each mixture.
    borders : ndarray, shape (E, 3)
        Length, boundary energy and colour difference, summed over the pixel pairs across each border.
    total : float
        A, in pixels.

    Returns
    -------
    ndarray, shape (11, E)
    """
    (a, b), length = (one[:, AREA], other[:, AREA]), borders[:, LENGTH]
    both = a + b
    size = (a * b / (both * total))[:, 0]
    smaller = np.minimum(a, b)[:, 0]
    variances = residual_variance(np.concatenate([one, other, one + other]))
    separate = (a * variances[: len(one)] + b * variances[len(one) : len(one) + len(other)]) / both
    common = variances[len(one) + len(other) :]
    ramp = np.maximum(common - separate, 0).sum(axis=1) / (4 * a * b / both**2 + 0.02)[:, 0]
    return np.stack(
        [
            np.ones(len(borders)),
            np.log(borders[:, ENERGY] / length + 1e-4),
            np.log(hellinger_distance(affinities) + 1e-4),
            np.log(size),
            np.log(length / np.sqrt(smaller)),
            np.log(_squared_distance(one[:, COLOUR] / a, other[:, COLOUR] / b) + 1) / 2,
            np.log(borders[:, CONTRAST] / length + 0.3),
            np.log(separate.sum(axis=1) + 1) / 2,
            np.minimum(one[:, EDGE] / one[:, PERIMETER], other[:, EDGE] / other[:, PERIMETER])[:, 0],
            np.log(ramp + 0.3) / 2,
            np.log(_squared_distance(_orientation(one), _orientation(other)) + 0.01) / 2,
        ]
    )


def hellinger_distance(affinities: Float) -> Float:
    """Return the mean over the mixtures of sqrt(1 - affinity), shape (E,), of affinities (E, M)."""
    distance: Float = np.sqrt(np.maximum(1 - affinities, 0)).sum(axis=1) / affinities.shape[1]
    return distance


def residual_variance(sums: Float) -> Float:
    """Return the variance (E, 3) of each colour around its least-squares plane in x and y, for sums (E, 25) over regions.

    It is the variance minus what the plane explains, cT S^-1 c, with S the covariance of x and y and c their covariances with
    the colour.
    """
    n = sums[:, AREA]
    mean = sums[:, COLOUR] / n
    x, y, xx, xy, yy = (sums[:, POSITION] / n).T[:, :, None]
    xx, xy, yy = xx - x * x + _LEAST_VARIANCE, xy - x * y, yy - y * y + _LEAST_VARIANCE
    with_x, with_y = sums[:, COLOUR_X] / n - x * mean, sums[:, COLOUR_Y] / n - y * mean
    explained = yy * with_x**2 - 2 * xy * with_x * with_y + xx * with_y**2
    explained /= xx * yy - xy * xy + _LEAST_DETERMINANT
    residual: Float = np.maximum(sums[:, SQUARE] / n - mean**2 - explained, 0)
    return residual


def _orientation(sums: Float) -> Float:
    """Return the mean orientation vectors (E, 4) of regions, weighted with the magnitudes of the gradients."""
    return sums[:, ORIENTATION] / sums[:, GRADIENT]


def _squared_distance(one: Float, other: Float) -> Float:
    """Return the squared Euclidean distances (E,) between the rows of two arrays (E, D)."""
    squared: Float = ((one - other) ** 2).sum(axis=1)
    return squared
