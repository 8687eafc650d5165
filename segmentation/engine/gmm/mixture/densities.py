"""Kernels on log joint densities of a Gaussian mixture.

Natural parameters theta (K, F) times monomials phi (F, n) are log(weight_k N(x_i | mean_k, covariance_k)), shape (K, n).
"""

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

_MIN_LOG_RATIO = -80.0
"""Nats relative to the most probable component, a ratio of 1e-35; smaller ratios are raised to it."""

_EXTRA_ROUNDINGS = 16  # roundings in theta and phi, in addition to those of the sum
_MAX_ROUNDING_BOUND = 4.0  # nats; above this bound single precision decides too few pixels

_FINE_BOUND = 1.0  # nats; rounding errors are usually a hundredth of their bound

_LOG_UNIT = float(np.log(2 * np.pi)) / 2 + float(np.log(SCALE))
"""log sqrt(2 pi) + log SCALE: what the normalisation of the Gaussian subtracts from its logarithm for each dimension."""

_EXACT_BITS = 53 - 12 - 2
"""Bits for theta: those of a double, minus 12 for products of standardised 8-bit values, minus 2 for `taylor`."""


def natural_parameters(log_weights: Float, means: Float, factors: NDArray[np.floating]) -> Float:
    """Return the natural parameters of weighted Gaussians.

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
        unit^D of the values as stored. BLAS is not used, so that the bytes are the same on every processor.
    """
    K, D = means.shape
    rows, columns = triangle(D)
    whitening = invert_lower(factors)
    precisions = np.einsum("kji,kjl->kil", whitening, whitening)
    linear = np.einsum("kij,kj->ki", precisions, means)
    log_scales = np.log(whitening.reshape(K, -1)[:, :: D + 1])  # the diagonal: minus the log diagonal of the factors
    theta = np.empty((K, 1 + D + len(rows)))
    theta[:, 0] = log_weights + (log_scales - linear * means / 2 - _LOG_UNIT).sum(axis=1)
    theta[:, 1 : 1 + D] = linear
    theta[:, 1 + D :] = precisions[:, rows, columns] * _second_order(D)
    return theta


def invert_lower(factors: NDArray[np.floating]) -> Float:
    """Return the inverses of lower triangular matrices (K, D, D), by forward substitution."""
    inverses = np.zeros(factors.shape)
    for row in range(factors.shape[1]):
        inverses[:, row, row] = 1 / factors[:, row, row]
        before = np.einsum("kj,kjl->kl", factors[:, row, :row], inverses[:, :row, :row])
        inverses[:, row, :row] = -before * inverses[:, row, row, None]
    return inverses


@cache
def _second_order(dimension: int) -> Float:
    """Return the factors of a precision matrix's upper triangle in theta: -1/2 on the diagonal, -1 elsewhere."""
    rows, columns = triangle(dimension)
    return np.where(rows == columns, -0.5, -1.0)


def posterior(
    log_joint: NDArray[Real],
    counts: Float | float = 1.0,
    precision: type[np.floating] = np.float64,
    min_log_ratio: float = _MIN_LOG_RATIO,
) -> tuple[NDArray[Real], NDArray[Real]]:
    """Return responsibilities (K, n) times counts (n,), and log densities (n,). Overwrites `log_joint`.

    The maximum of each column is subtracted first, so that nothing overflows (log-sum-exp). Log ratios below `min_log_ratio`
    are raised to it, because subnormal numbers take fifteen times as long. Exponentials in single precision take a third of
    the time on many processors; their relative error of 1e-7 is far below the error of parameters that are estimated from a
    sample (1e-3).
    """
    peak = log_joint.max(axis=0)
    log_joint -= peak
    joint = log_joint.astype(precision, copy=False)
    np.exp(np.maximum(joint, min_log_ratio, out=joint), out=joint)
    total = joint.sum(axis=0)
    scale = np.asarray(counts / total).astype(log_joint.dtype, copy=False)
    return np.multiply(joint, scale, out=log_joint), peak + np.log(total)


def most_probable(log_joint: Float) -> NDArray[np.uint8]:
    """Return the row of the maximum of each column, shape (n,); on a tie the first. At most 254 rows."""
    best = log_joint[0].copy()
    winner = np.zeros(best.shape, np.uint8)
    for index, row in enumerate(log_joint[1:], start=1):
        np.copyto(winner, np.uint8(index), where=row > best)
        np.maximum(best, row, out=best)
    return winner


def most_probable_at(theta: Float, values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Return the most probable component of values (n, D): the result of `most_probable_stable`, in half the time.

    Single precision decides most pixels; the others, where its rounding could change the label, are computed again in double
    precision. When components are so narrow that single precision decides hardly any pixel, double precision is used at once.
    """
    F = theta.shape[1]
    if rounding_bound(theta, np.float32, 2.0) > _MAX_ROUNDING_BOUND:
        return most_probable_stable(theta, expand(values))
    phi = expand_float32(values)
    best, second, winner = _two_best(theta.astype(np.float32) @ phi)
    largest_value = float(np.abs(phi[1 : 1 + dimension(F)]).max(initial=0.0))
    close = np.flatnonzero(best - second <= rounding_bound(theta, np.float32, largest_value))
    if len(close):
        winner[close] = most_probable_stable(theta, expand(values[close]))
    return winner


def most_probable_stable(theta: Float, phi: Float, log_joint: Float | None = None) -> NDArray[np.uint8]:
    """Return the most probable component of each value, shape (n,), independent of the order of summation.

    The rounding errors of theta @ phi depend on processor, threads and block size. Where the two largest log densities differ
    by less than these errors can be, the products are summed again monomial by monomial, which is the same everywhere.

    Parameters
    ----------
    theta : ndarray, shape (K, F)
    phi : ndarray, shape (F, n)
    log_joint : ndarray, shape (K, n), or None
        theta @ phi, if it is known already.
    """
    best, second, winner = _two_best(theta @ phi if log_joint is None else log_joint)
    largest_value = float(np.abs(phi[1 : 1 + dimension(len(phi))]).max(initial=0.0))
    close = np.flatnonzero(best - second <= rounding_bound(theta, np.float64, largest_value))
    if len(close):
        winner[close] = most_probable(_in_order(theta, phi[:, close]))
    return winner


def rounding_bound(theta: Float, precision: type[np.floating], largest_value: float) -> float:
    """Return the difference of two log densities, in nats, below which rounding could decide which is larger.

    The error of a sum of F products is at most F unit roundoffs of the sum of absolute values, in any order (Higham, 2002,
    section 3.1); `_EXTRA_ROUNDINGS` are those of theta and phi. The factor 4 is for two sums, each computed in two orders.

    Parameters
    ----------
    theta : ndarray, shape (K, F)
    precision : type
        The floating-point type in which products were summed.
    largest_value : float
        Largest magnitude of a standardised value; the largest monomial is its square, but at least 1.
    """
    unit = float(np.finfo(precision).eps) / 2
    absolute = float(np.abs(theta).sum(axis=1).max()) * max(1.0, largest_value) ** 2
    F = int(theta.shape[1])
    return 4 * (F + _EXTRA_ROUNDINGS) * unit * absolute


def _two_best(log_joint: NDArray[Real]) -> tuple[NDArray[Real], NDArray[Real], NDArray[np.uint8]]:
    """Return the largest and second largest entry of each column, and the row of the largest; -inf if there is one row."""
    best, second = log_joint[0].copy(), np.full_like(log_joint[0], -np.inf)
    winner, lower = np.zeros(best.shape, np.uint8), np.empty_like(best)
    for index, row in enumerate(log_joint[1:], start=1):
        np.copyto(winner, np.uint8(index), where=row > best)
        np.maximum(second, np.minimum(best, row, out=lower), out=second)
        np.maximum(best, row, out=best)
    return best, second, winner


def _in_order(theta: Float, phi: Float) -> Float:
    """Return theta @ phi with each sum taken from the first monomial to the last."""
    total: Float = theta[:, :1] * phi[0]
    for column, feature in zip(theta.T[1:], phi[1:], strict=True):
        total += column[:, None] * feature
    return total


def in_sufficient_precision(theta: Float) -> NDArray[np.floating]:
    """Return natural parameters in single precision, or in double where components are too narrow for that.

    For standardised values of magnitudes up to 2, products of the result with `monomials` have errors of at most 1 nat, and usually of 0.01.
    """
    is_fine = rounding_bound(theta, np.float32, 2.0) < _FINE_BOUND
    return theta.astype(np.float32) if is_fine else theta


def exact_parameters(theta: Float) -> Float:
    """Round theta so that theta @ phi is exact for integer values from 0 to 255.

    Standardised, these values are multiples of 2^-6, and their products of 2^-12. With theta_k in multiples of 2^-q, every
    partial sum is a multiple of 2^-(q + 12), and a double represents all of them exactly while they stay below
    2^(53 - 12 - q). Therefore labels do not depend on the order of summation, that is on threads, blocks, memory layout or
    processor. Log densities of ordinary components change by less than 1e-7 nats, of the narrowest possible by less than
    1e-3. Two bits are left for `taylor`.
    """
    largest = max(CENTRE, 255 - CENTRE) / SCALE  # of |x|; at least 1
    bound = np.abs(theta).sum(axis=1, keepdims=True) * largest**2
    bits = _EXACT_BITS - np.ceil(np.log2(bound)).astype(np.int64)
    rounded: Float = np.ldexp(np.rint(np.ldexp(theta, bits)), -bits)
    return rounded


def taylor(theta: Float, x: NDArray[np.floating]) -> Float:
    """Return the parameters of the same quadratic functions about other origins: theta'(x) . phi(d) = theta . phi(x + d).

    Parameters
    ----------
    theta : ndarray, shape (K, F)
    x : ndarray, shape (D, m)
        New origins, standardised.

    Returns
    -------
    ndarray, shape (K, F, m)
        Value, gradient and second-order terms at each origin; the second-order terms are those of theta. Exact where theta is
        from `exact_parameters` and x are integers from 0 to 255, standardised.
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
