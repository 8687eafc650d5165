"""The steps of EM in single precision: log densities, posteriors and moments of Gaussian mixtures.

As in `fit.em`, a component's log joint density is theta . phi(x), with phi(x) = (1, x, upper triangle of x xT). Single precision
suffices here, because the posteriors are blurred and rounded to 8 bits in the end. Products are summed in double precision, so
that the last bits, in which processors differ, vanish when the sums are rounded.
"""

from math import isqrt

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.mixture.mixture import quantise
from segmentation.engine.gmm.mixture.monomials import Float32, Real

Float = NDArray[np.float64]

FLOOR = 1.0
"""Variance added to every feature in each M-step: one unit of L*a*b*, about a just noticeable difference, squared."""

PARAMETER_QUANTUM = 2.0**-12

MAX_PRODUCT = 2**18
"""Multiplications up to which OpenBLAS does not split a product between threads."""

MIN_LOG_POSTERIOR = np.float32(-40)
"""Smaller log posteriors are raised to it, because products of them could become subnormal."""

_MIN_PIXELS = 1e-6  # a component with fewer pixels counts as having these


def expand(x: Float32) -> Float32:
    """Return the monomials phi of centred values (D, n); shape (F, n) for F = 1 + D + D (D + 1) / 2."""
    dimension, n = x.shape
    phi = np.empty((1 + dimension + dimension * (dimension + 1) // 2, n), np.float32)
    phi[0] = 1
    phi[1 : 1 + dimension] = x
    row = 1 + dimension
    for i in range(dimension):
        np.multiply(x[i], x[i:], out=phi[row : row + dimension - i])
        row += dimension - i
    return phi


def products(theta: NDArray[np.floating], phi: NDArray[np.floating]) -> Float32:
    """Return theta (K, F) @ phi (F, n), shape (K, n), in blocks of columns that OpenBLAS computes in one thread."""
    theta = theta.astype(np.float64, copy=False)
    K, n = len(theta), phi.shape[1]
    length = _block_length(K * len(phi))
    n_full = n - n % length
    result = np.empty((K, n), np.float32)
    if n_full:
        _as_blocks(result[:, :n_full], length)[:] = theta @ _as_blocks(phi[:, :n_full], length).astype(
            np.float64, copy=False
        )
    result[:, n_full:] = theta @ phi[:, n_full:].astype(np.float64, copy=False)
    return result


def moments(responsibilities: Float32, phi: NDArray[np.floating]) -> Float:
    """Return the sums (K, F) of phi (F, n) weighted with responsibilities (K, n), block by block as in `products`."""
    K, n = responsibilities.shape
    length = _block_length(K * len(phi))
    n_full = n - n % length
    sums: Float = responsibilities[:, n_full:].astype(np.float64) @ phi[:, n_full:].T.astype(np.float64, copy=False)
    if n_full:
        weights, values = (
            _as_blocks(each[:, :n_full], length).astype(np.float64, copy=False) for each in (responsibilities, phi)
        )
        sums += (weights @ values.transpose(0, 2, 1)).sum(axis=0)
    return sums


def softmax(log_joint: Float32) -> tuple[Float32, Float32]:
    """Return posteriors (K, n) and log densities (n,) of log joint densities (K, n), which are overwritten."""
    peak = log_joint.max(axis=0)
    log_joint -= peak
    np.maximum(log_joint, MIN_LOG_POSTERIOR, out=log_joint)
    joint = np.exp(log_joint, out=log_joint)
    total = joint.sum(axis=0)
    joint /= total
    return joint, peak + np.log(total)


def gaussians(sums: Float) -> tuple[Float, Float, Float]:
    """Return weights (K,), means (K, D) and covariances (K, D, D) from sums (K, F) of phi, without a variance floor."""
    dimension = (isqrt(8 * sums.shape[1] + 1) - 3) // 2
    rows, columns = np.triu_indices(dimension)
    pixels = np.maximum(sums[:, 0], _MIN_PIXELS)
    means = sums[:, 1 : 1 + dimension] / pixels[:, None]
    products_of_pairs = sums[:, 1 + dimension :] / pixels[:, None]
    second_moments = np.empty((len(sums), dimension, dimension))
    second_moments[:, rows, columns] = second_moments[:, columns, rows] = products_of_pairs
    return pixels / pixels.sum(), means, second_moments - means[:, :, None] * means[:, None, :]


def natural_parameters(weights: Float, means: Float, covariances: Float) -> Float:
    """Return the natural parameters theta (K, F): theta_k . phi(x) = log(weight_k N(x | mean_k, covariance_k))."""
    dimension = means.shape[1]
    rows, columns = np.triu_indices(dimension)
    precisions = np.linalg.inv(covariances)
    linear = np.einsum("kij,kj->ki", precisions, means)
    constant = np.log(weights) - (dimension * np.log(2 * np.pi) + np.linalg.slogdet(covariances)[1]) / 2
    return np.column_stack(
        [
            constant - (linear * means).sum(axis=1) / 2,
            linear,
            -precisions[:, rows, columns] * np.where(rows == columns, 0.5, 1.0),
        ]
    )


def maximise(sums: Float) -> Float:
    """Return the natural parameters (K, F) after an M-step from expected sums (K, F), with the variance floor `FLOOR`.

    Parameters are rounded to multiples of 2^-12, far below the floor. Otherwise the rounding errors, in which processors
    differ, would grow from step to step.
    """
    weights, means, covariances = gaussians(sums)
    covariances += FLOOR * np.eye(means.shape[1])
    return natural_parameters(
        np.maximum(quantise(weights, PARAMETER_QUANTUM**2), PARAMETER_QUANTUM**2),
        quantise(means, PARAMETER_QUANTUM),
        quantise(covariances, PARAMETER_QUANTUM),
    )


def _block_length(multiplications: int) -> int:
    """Return the largest power of two of columns, each of so many multiplications, that OpenBLAS computes in one thread."""
    return 1 << (MAX_PRODUCT // multiplications).bit_length() - 1


def _as_blocks(rows: NDArray[Real], length: int) -> NDArray[Real]:
    """Return a view of rows (R, n) as blocks of columns (n / length, R, length)."""
    return rows.reshape(len(rows), -1, length).transpose(1, 0, 2)
