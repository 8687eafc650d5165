"""What is summed over the pixels of each region. Everything the price of a border depends on follows from these sums.

The sums of merged regions are added; only the perimeter also loses the sides that the two had in common. A row of the array
of sums holds, in the columns that the constants below name, a region's size and outline, first and second moments of colour,
position and both together, gradient orientations, and posteriors.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from segmentation.engine.gmm.mixture.monomials import Float, Float32, Real

Mask = NDArray[np.bool_]

AREA = slice(0, 1)  # valid pixels
PERIMETER = slice(1, 2)  # pixel sides towards other regions or the outside of the picture
EDGE = slice(2, 3)  # pixel sides towards the outside of the picture
COLOUR = slice(3, 6)  # L*, a*, b*
SQUARE = slice(6, 9)  # their squares
COLOUR_X, COLOUR_Y = slice(9, 12), slice(12, 15)  # x and y times each colour
POSITION = slice(15, 20)  # x, y, x^2, x y, y^2
GRADIENT = slice(20, 21)  # magnitude m of the gradient of L*
ORIENTATION = slice(21, 25)  # m cos 2t, m cos 4t, m sin 2t, m sin 4t, with t the direction of the gradient
POSTERIORS = slice(25, None)  # posterior probabilities, all mixtures side by side

_LEAST_GRADIENT = 1e-6  # added to every magnitude, so that a flat region has an orientation, of length 0


def region_sums(labels: NDArray[np.integer], colours: Float32, posteriors: Sequence[Float32], valid: Mask) -> Float:
    """Return the sums over each region, without the sides towards other regions.

    Parameters
    ----------
    labels : ndarray, shape (H, W), int
        Regions 0 .. n - 1.
    colours : ndarray, shape (3, H, W), float32
        CIE L*a*b*.
    posteriors : sequence of ndarray, shape (K, H, W), float32
    valid : ndarray, shape (H, W), bool
        Pixels that are counted; the perimeter counts all.

    Returns
    -------
    ndarray, shape (n, 25 + C), float64
        C is the number of components of all mixtures.
    """
    members = membership(labels, valid)
    edge = np.bincount(labels.ravel(), edge_sides(labels.shape).ravel())
    moments = sum_members(members, [*_moments(colours), *orientations(colours[0])])
    probabilities = [sum_members(members, p.reshape(len(p), -1)) for p in posteriors]
    return np.column_stack([members.sum(axis=1), edge, edge, moments, *probabilities]).astype(np.float64)


def membership(labels: NDArray[np.integer], valid: Mask) -> csr_array:
    """Return a sparse matrix (n, H W) that is 1 where a valid pixel has a label."""
    flat = labels.ravel()
    by_pixel = (valid.ravel().astype(np.float32), flat, np.arange(flat.size + 1))
    return csr_array(by_pixel, shape=(flat.size, int(flat.max()) + 1)).T.tocsr()


def sum_members(members: csr_array, planes: Iterable[NDArray[Real]]) -> NDArray[Real]:
    """Return the sums (n, P) of planes (P, H W) over the members (n, H W) of each region.

    The planes are taken one by one: as columns of one array they would have to be transposed, which takes longer than the sums.
    """
    return np.stack([members @ plane for plane in planes], axis=1)


def edge_sides(shape: tuple[int, ...]) -> Float:
    """Return the number of sides (H, W) on which a pixel ends the picture."""
    sides = np.zeros(shape)
    sides[0] += 1
    sides[-1] += 1
    sides[:, 0] += 1
    sides[:, -1] += 1
    return sides


def positions(shape: tuple[int, ...]) -> Float:
    """Return x and y of each pixel (2, H, W), from -1/2 to 1/2 along the longer side of the picture."""
    y, x = np.indices(shape, dtype=np.float64)
    return np.stack([x, y]) / max(shape) - 0.5


def orientations(lightness: Float32) -> Float:
    """Return the gradient magnitude m and its double- and fourfold-angle vectors (5, H W), at the columns from `GRADIENT` on.

    The direction t of an edge is the same when dark and bright are exchanged, so that 2t is averaged instead of t (Granlund,
    1978, "In search of a general picture processing operator"); 4t tells one edge from two that cross.
    """
    y, x = _differences(lightness), _differences(lightness.T).T
    magnitude = np.hypot(x, y) + _LEAST_GRADIENT
    double = ((x + 1j * y) / magnitude) ** 2
    turned = magnitude * np.stack([double, double**2])
    return np.concatenate([magnitude[None], turned.real, turned.imag]).reshape(5, -1)


def _moments(colours: Float32) -> Float:
    """Return colours, their squares, their products with x and y, and the monomials of x and y: (17, H W)."""
    x, y = positions(colours.shape[1:])
    c = colours.astype(np.float64)
    return np.concatenate([c, c**2, x * c, y * c, np.stack([x, y, x * x, x * y, y * y])]).reshape(17, -1)


def _differences(values: Float32) -> Float:
    """Return the central differences along the first axis, with the border pixels repeated."""
    padded = np.pad(values.astype(np.float64), ((1, 1), (0, 0)), mode="edge")
    return (padded[2:] - padded[:-2]) / 2
