"""Kernels on log joint densities: theta (K, F) times phi (F, n) gives log(weight_k N(x_i | k)), shape (K, n)."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.mixture.monomials import (
    CENTRE,
    SCALE,
    Float,
    Real,
    dimension,
    expand,
    expand_float32,
    monomials,
    symmetric,
    triangle,
)

_MIN_LOG_RATIO = -80.0  # nats below the most probable component: 1e-35

_EXTRA_ROUNDINGS = 16  # units of rounding beside those of summing
_MAX_ROUNDING_BOUND = 4.0  # nats

_LOG_UNIT = float(np.log(2 * np.pi)) / 2 + float(np.log(SCALE))
"""What each dimension takes from the logarithm of a normal density, for one unit of the values."""

_EXACT_BITS = (
    53 - 12 - 2
)  # of a double, less those below the point in a product of two standardised 8-bit values, less 2 to spare


def natural_parameters(log_weights: Float, means: Float, factors: NDArray[np.floating]) -> Float:
    """Natural parameters of weighted Gaussians.

    Parameters
    ----------
    log_weights : ndarray, shape (K,)
    means : ndarray, shape (K, D)
        Standardised as in `monomials.expand`.
    factors : ndarray, shape (K, D, D)
        Lower Cholesky factors of the covariances, standardised as well.

    Returns
    -------
    ndarray, shape (K, F)
        theta with theta_k . phi(x) = log w_k - D/2 log 2 pi - log|L_k| - |L_k^-1 (x - m_k)|^2 / 2, in nats per
        unit^D of the values as stored. To the byte the same on every processor, so without BLAS.
    """
    K, D = means.shape
    rows, columns = triangle(D)
    whitening = invert_lower(factors)
    precisions = np.einsum("kji,kjl->kil", whitening, whitening)
    linear = np.einsum("kij,kj->ki", precisions, means)
    log_scales = np.log(whitening.reshape(K, -1)[:, :: D + 1])  # of the diagonal, which is that of the factors inverted
    theta = np.empty((K, 1 + D + len(rows)))
    theta[:, 0] = log_weights + (log_scales - linear * means / 2 - _LOG_UNIT).sum(axis=1)
    theta[:, 1 : 1 + D] = linear
    theta[:, 1 + D :] = precisions[:, rows, columns] * _second_order(D)
    return theta


def invert_lower(factors: NDArray[np.floating]) -> Float:
    """Inverses of lower triangular matrices (K, D, D), by forward substitution."""
    inverses = np.zeros(factors.shape)
    for row in range(factors.shape[1]):
        inverses[:, row, row] = 1 / factors[:, row, row]
        before = np.einsum("kj,kjl->kl", factors[:, row, :row], inverses[:, :row, :row])
        inverses[:, row, :row] = -before * inverses[:, row, row, None]
    return inverses


@cache
def _second_order(dimension: int) -> Float:
    """Factors of the upper triangle of a precision matrix in theta: -1/2 on the diagonal, -1 beside it."""
    rows, columns = triangle(dimension)
    return np.where(rows == columns, -0.5, -1.0)


def posterior(
    log_joint: Float, counts: Float | float = 1.0, precision: type[np.floating] = np.float64
) -> tuple[Float, Float]:
    """Responsibilities (K, n) times counts (n,), and log densities (n,). Overwrites its first argument.

    The largest of each column is made 1 first, so that nothing overflows; nor does anything underflow, which would take
    fifteen times as long. Exponentials of single precision take a third of the time on many processors. They are right to
    1e-7, and means over thousands of values to 1e-8: a fit, which knows its parameters to 1e-3 from a sample, loses
    nothing by them.
    """
    peak = log_joint.max(axis=0)
    log_joint -= peak
    joint = log_joint.astype(precision, copy=False)
    np.exp(np.maximum(joint, _MIN_LOG_RATIO, out=joint), out=joint)
    total = joint.sum(axis=0)
    return np.multiply(joint, counts / total, out=log_joint), peak + np.log(total)


def most_probable(log_joint: Float) -> NDArray[np.uint8]:
    """Index of the largest of each column (n,), of equal ones the first. At most 254 rows."""
    best = log_joint[0].copy()
    winner = np.zeros(best.shape, np.uint8)
    for index, row in enumerate(log_joint[1:], start=1):
        np.copyto(winner, np.uint8(index), where=row > best)
        np.maximum(best, row, out=best)
    return winner


def most_probable_at(theta: Float, values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """The labels that `most_probable_stable` gives to values (n, D), in half the time.

    Nearly all pixels are clear cases, for which single precision is enough; not where components are so narrow that it tells
    nothing.
    """
    n_features = theta.shape[1]
    if _rounding_bound(theta, np.float32, 2.0) > _MAX_ROUNDING_BOUND:
        return most_probable_stable(theta, expand(values))
    phi = expand_float32(values)
    best, second, winner = _two_best(theta.astype(np.float32) @ phi)
    largest_value = float(np.abs(phi[1 : 1 + dimension(n_features)]).max(initial=0.0))
    close = np.flatnonzero(best - second <= _rounding_bound(theta, np.float32, largest_value))
    if len(close):
        winner[close] = most_probable_stable(theta, expand(values[close]))
    return winner


def most_probable_stable(theta: Float, phi: Float, log_joint: Float | None = None) -> NDArray[np.uint8]:
    """The most probable component of each value (n,), whatever the order in which products are summed.

    theta @ phi has rounding errors that depend on processor, threads and block. Where two components are so near that these
    could decide, the products are summed anew, one feature after the other, which comes out the same everywhere.

    Parameters
    ----------
    theta : ndarray, shape (K, F)
    phi : ndarray, shape (F, n)
    log_joint : ndarray, shape (K, n), or None
        theta @ phi, where it is known already.
    """
    best, second, winner = _two_best(theta @ phi if log_joint is None else log_joint)
    largest_value = float(np.abs(phi[1 : 1 + dimension(len(phi))]).max(initial=0.0))
    close = np.flatnonzero(best - second <= _rounding_bound(theta, np.float64, largest_value))
    if len(close):
        winner[close] = most_probable(_in_order(theta, phi[:, close]))
    return winner


def _rounding_bound(theta: Float, precision: type[np.floating], largest_value: float) -> float:
    """The lead, in nats, below which rounding could have made a component the most probable one.

    A sum of F products is off by at most F units of rounding of its absolute value, in whatever order (Higham, 2002,
    section 3.1); a few more are for theta and phi themselves. Two sums are compared, each in either order.

    Parameters
    ----------
    theta : ndarray, shape (K, F)
    precision : type
        In which products were summed.
    farthest : float
        Largest magnitude of a standardised value; the largest monomial is its square, or 1.
    """
    unit = float(np.finfo(precision).eps) / 2
    absolute = float(np.abs(theta).sum(axis=1).max()) * max(1.0, largest_value) ** 2
    n_features = int(theta.shape[1])
    return 4 * (n_features + _EXTRA_ROUNDINGS) * unit * absolute


def _two_best(log_joint: NDArray[Real]) -> tuple[NDArray[Real], NDArray[Real], NDArray[np.uint8]]:
    """The largest and the second largest of each column, and the index of the largest; -infinity for lack of a second."""
    best, second = log_joint[0].copy(), np.full_like(log_joint[0], -np.inf)
    winner, lower = np.zeros(best.shape, np.uint8), np.empty_like(best)
    for index, row in enumerate(log_joint[1:], start=1):
        np.copyto(winner, np.uint8(index), where=row > best)
        np.maximum(second, np.minimum(best, row, out=lower), out=second)
        np.maximum(best, row, out=best)
    return best, second, winner


def _in_order(theta: Float, phi: Float) -> Float:
    """The product of theta and phi, each sum from the first feature to the last."""
    total: Float = theta[:, :1] * phi[0]
    for column, feature in zip(theta.T[1:], phi[1:], strict=True):
        total += column[:, None] * feature
    return total


def exact_parameters(theta: Float) -> Float:
    """Round theta so far that theta @ phi has no rounding error for values that are whole numbers from 0 to 255.

    Standardised, these are multiples of 2^-6, and their products of 2^-12. With theta_k in multiples of 2^-q, every
    partial sum is a multiple of 2^-(q + 12), and a double holds all of them exactly while they stay below
    2^(53 - 12 - q). So labels cannot depend on the order of summation: not on threads, blocks, layout or processor.
    Log densities of ordinary components move by less than 1e-7 nats, of the narrowest possible by less than 1e-3. Two
    bits are left for sums about another origin, see `table`.
    """
    largest = max(CENTRE, 255 - CENTRE) / SCALE  # of |x|, and at least 1
    bound = np.abs(theta).sum(axis=1, keepdims=True) * largest**2
    bits = _EXACT_BITS - np.ceil(np.log2(bound)).astype(np.int64)
    rounded: Float = np.ldexp(np.rint(np.ldexp(theta, bits)), -bits)
    return rounded


def taylor(theta: Float, x: NDArray[np.floating]) -> Float:
    """The same quadratic functions about other origins: theta'(x) . phi(d) = theta . phi(x + d).

    Parameters
    ----------
    theta : ndarray, shape (K, F)
    x : ndarray, shape (D, m)
        New origins, standardised.

    Returns
    -------
    ndarray, shape (K, F, m)
        Value, gradient and second-order terms at each origin; the last are theta's own. Free of rounding where theta is
        from `exact_parameters` and x are whole numbers from 0 to 255, standardised.
    """
    D, m = x.shape
    bends = symmetric(theta[:, 1 + D :], D)
    diagonal = np.arange(D)
    bends[:, diagonal, diagonal] *= 2
    moved = np.empty((*theta.shape, m))
    moved[:, 0] = theta @ monomials(x)
    moved[:, 1 : 1 + D] = theta[:, 1 : 1 + D, None] + bends @ x
    moved[:, 1 + D :] = theta[:, 1 + D :, None]
    return moved
