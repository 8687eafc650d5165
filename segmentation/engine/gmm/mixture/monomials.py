"""The sufficient statistics of a Gaussian, as one vector for each value.

A Gaussian's log density is linear in phi(x) = (1, x, upper triangle of x xT) (Barndorff-Nielsen, 1978, on exponential
families), so a whole E-step is one matrix product, and so is the collection of all moments. Everything is kept component-
and feature-major, one contiguous row a component or feature.
"""

from collections.abc import Iterator
from functools import cache
from math import isqrt
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Float32 = NDArray[np.float32]
Real = TypeVar("Real", np.float64, np.float32)

Indices = NDArray[np.intp]

CENTRE, SCALE = 128.0, 64.0
"""Values 0 to 255 become -2 to 2: well conditioned, and exact in binary because both are powers of two. Whatever is
measured of a pixel comes in units whose usual range is of that order (see `features`)."""

BLOCK = 3 * 2**13
"""Elements of a (components, values) block. It stays in a core's cache; and times ten features it is below the 2^18
multiplications from which OpenBLAS splits a product between threads, so that sums do not depend on their number."""


def expand(values: NDArray[np.generic]) -> Float:
    """Standardise values and list their monomials up to the second degree.

    Parameters
    ----------
    values : ndarray, shape (n, D)
        In units of 0 to 255.

    Returns
    -------
    ndarray, shape (1 + D + D (D + 1) / 2, n), float64
        1, x and the upper triangle of x xT in row order, for x = (value - 128) / 64.
    """
    return monomials((values.T.astype(np.float64, order="C") - CENTRE) / SCALE)


def expand_float32(values: NDArray[np.generic]) -> Float32:
    """The same in single precision, in half the time."""
    return monomials((values.T.astype(np.float32, order="C") - np.float32(CENTRE)) / np.float32(SCALE))


def monomials(x: NDArray[Real]) -> NDArray[Real]:
    """Phi of values that are standardised already, shape (D, n)."""
    dimension, n = x.shape
    phi = np.empty((1 + dimension + dimension * (dimension + 1) // 2, n), x.dtype)
    phi[0] = 1.0
    phi[1 : 1 + dimension] = x
    for target, i, j in zip(phi[1 + dimension :], *triangle(dimension), strict=True):
        np.multiply(x[i], x[j], out=target)
    return phi


def dimension(n_features: int) -> int:
    """D from the number of features F = 1 + D + D (D + 1) / 2."""
    return (isqrt(8 * n_features + 1) - 3) // 2


@cache
def triangle(dimension: int) -> tuple[Indices, Indices]:
    """Rows and columns of the upper triangle of a matrix, in row order; shape (D (D + 1) / 2,) each."""
    rows, columns = np.triu_indices(dimension)
    return rows, columns


def n_monomials(dimension: int) -> int:
    """F = 1 + D + D (D + 1) / 2, the inverse of `dimension`."""
    return (dimension + 1) * (dimension + 2) // 2


def blocks(n: int, n_components: int, n_features: int = 10) -> Iterator[slice]:
    """Cut n values into runs whose length depends on the numbers of components and features alone."""
    length = max(10 * BLOCK // (n_components * max(n_features, 10)), 1)
    return (slice(begin, min(begin + length, n)) for begin in range(0, n, length))


def symmetric(upper: Float, dimension: int) -> Float:
    """Fill (K, D, D) symmetric matrices from their upper triangles (K, D (D + 1) / 2)."""
    rows, columns = triangle(dimension)
    matrices = np.empty((len(upper), dimension, dimension))
    matrices[:, rows, columns] = upper
    matrices[:, columns, rows] = upper
    return matrices
