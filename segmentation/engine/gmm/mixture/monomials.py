"""The sufficient statistics of a Gaussian: the monomials of a value up to the second degree, phi(x).

A Gaussian's log density is linear in phi(x) = (1, x, upper triangle of x xT) (Barndorff-Nielsen, 1978, on exponential
families), so an E-step is one matrix product, and the sums of an M-step are another. Arrays have one contiguous row for each
component or monomial.
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
"""Values 0 to 255 are standardised to -2 to 2, which is well conditioned, and exact because both are powers of two. All
features have units whose usual range is of the order of 100 (see `features`)."""

BLOCK = 3 * 2**13
"""Elements of a (components, values) block. Such a block stays in the cache of a core. Times ten monomials it is below the
2^18 multiplications from which OpenBLAS splits a product between threads, so sums do not depend on the number of threads."""


def expand(values: NDArray[np.generic]) -> Float:
    """Standardise values and return their monomials up to the second degree.

    Parameters
    ----------
    values : ndarray, shape (n, D)
        In the units of the features.

    Returns
    -------
    ndarray, shape (1 + D + D (D + 1) / 2, n), float64
        1, x and the upper triangle of x xT in row order, for x = (value - 128) / 64.
    """
    return monomials((values.T.astype(np.float64, order="C") - CENTRE) / SCALE)


def expand_float32(values: NDArray[np.generic]) -> Float32:
    """Return `expand` in single precision, in half the time."""
    return monomials((values.T.astype(np.float32, order="C") - np.float32(CENTRE)) / np.float32(SCALE))


def monomials(x: NDArray[Real]) -> NDArray[Real]:
    """Return the monomials (F, n) of standardised values x (D, n)."""
    dimension, n = x.shape
    phi = np.empty((1 + dimension + dimension * (dimension + 1) // 2, n), x.dtype)
    phi[0] = 1.0
    phi[1 : 1 + dimension] = x
    row = 1 + dimension
    for i in range(dimension):
        np.multiply(x[i], x[i:], out=phi[row : row + dimension - i])
        row += dimension - i
    return phi


def dimension(F: int) -> int:
    """Return D from the number of monomials F = 1 + D + D (D + 1) / 2; the inverse of `n_monomials`."""
    return (isqrt(8 * F + 1) - 3) // 2


@cache
def triangle(dimension: int) -> tuple[Indices, Indices]:
    """Return the rows and columns of a matrix's upper triangle, in row order; shape (D (D + 1) / 2,) each."""
    rows, columns = np.triu_indices(dimension)
    return rows, columns


def n_monomials(dimension: int) -> int:
    """Return the number of monomials F = 1 + D + D (D + 1) / 2."""
    return (dimension + 1) * (dimension + 2) // 2


def blocks(n: int, n_components: int, F: int = 10) -> Iterator[slice]:
    """Yield slices of n values, whose length depends on the numbers of components and monomials only."""
    length = max(10 * BLOCK // (n_components * max(F, 10)), 1)
    return (slice(begin, min(begin + length, n)) for begin in range(0, n, length))


def symmetric(upper: Float, dimension: int) -> Float:
    """Return symmetric matrices (K, D, D) from their upper triangles (K, D (D + 1) / 2)."""
    rows, columns = triangle(dimension)
    matrices = np.empty((len(upper), dimension, dimension))
    matrices[:, rows, columns] = upper
    matrices[:, columns, rows] = upper
    return matrices
