"""Gaussian mixtures of pixel features: log densities, posteriors, moments.

As in the fit of colours a component's log density is theta . phi(x), with phi(x) = (1, x, upper triangle of x xT), so
that an E-step is one matrix product and the collection of all moments another. Values are many, and what follows from
them is smoothed and rounded to 8 bits in the end: they are kept in single precision. Products are summed in double, so
that the last bits, in which processors differ, are gone when they are rounded.
"""

from math import isqrt

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.mixture.mixture import quantise
from segmentation.engine.gmm.mixture.monomials import Float32, Real

Float = NDArray[np.float64]

FLOOR = 1.0
"""Variance added to every feature at each M-step: nobody sees a difference of one unit of L*a*b*."""

PARAMETER_QUANTUM = 2.0**-12

MAX_PRODUCT = 2**18
"""Multiplications up to which OpenBLAS does not split a product between threads."""

MIN_LOG_POSTERIOR = np.float32(
    -40
)  # log posterior; below, products would leave the range where float32 is precise and fast
_NOTHING = 1e-6  # of one pixel


def expand(x: Float32) -> Float32:
    """Sufficient statistics phi of centred values (D, n); shape (1 + D + D (D + 1) / 2, n)."""
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
    """Products of theta (K, F) with phi (F, n), in runs of n small enough for one thread; shape (K, n)."""
    theta = theta.astype(np.float64, copy=False)
    K, n = len(theta), phi.shape[1]
    run = _run(K * len(phi))
    whole = n - n % run
    result = np.empty((K, n), np.float32)
    if whole:
        _runs(result[:, :whole], run)[:] = theta @ _runs(phi[:, :whole], run).astype(np.float64, copy=False)
    result[:, whole:] = theta @ phi[:, whole:].astype(np.float64, copy=False)
    return result


def moments(responsibilities: Float32, phi: NDArray[np.floating]) -> Float:
    """Sums (K, F) of phi (F, n) weighted with responsibilities (K, n), run by run as in `products`."""
    K, n = responsibilities.shape
    run = _run(K * len(phi))
    whole = n - n % run
    sums: Float = responsibilities[:, whole:].astype(np.float64) @ phi[:, whole:].T.astype(np.float64, copy=False)
    if whole:
        weights, values = (
            _runs(each[:, :whole], run).astype(np.float64, copy=False) for each in (responsibilities, phi)
        )
        sums += (weights @ values.transpose(0, 2, 1)).sum(axis=0)
    return sums


def softmax(log_joint: Float32) -> tuple[Float32, Float32]:
    """Posteriors (K, n) and log densities (n,) of log joint densities (K, n), which are overwritten."""
    peak = log_joint.max(axis=0)
    log_joint -= peak
    np.maximum(log_joint, MIN_LOG_POSTERIOR, out=log_joint)
    joint = np.exp(log_joint, out=log_joint)
    total = joint.sum(axis=0)
    joint /= total
    return joint, peak + np.log(total)


def gaussians(sums: Float) -> tuple[Float, Float, Float]:
    """Weights (K,), means (K, D) and covariances (K, D, D), without any floor, from sums (K, F) of phi."""
    dimension = (isqrt(8 * sums.shape[1] + 1) - 3) // 2
    rows, columns = np.triu_indices(dimension)
    pixels = np.maximum(sums[:, 0], _NOTHING)
    means = sums[:, 1 : 1 + dimension] / pixels[:, None]
    seconds = np.empty((len(sums), dimension, dimension))
    seconds[:, rows, columns] = seconds[:, columns, rows] = sums[:, 1 + dimension :] / pixels[:, None]
    return pixels / pixels.sum(), means, seconds - means[:, :, None] * means[:, None, :]


def natural_parameters(weights: Float, means: Float, covariances: Float) -> Float:
    """Natural parameters theta (K, F): theta_k . phi(x) = log(weight_k N(x | mean_k, covariance_k))."""
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
    """M-step (Dempster, Laird and Rubin, 1977) from expected sums (K, F), with `FLOOR`; natural parameters (K, F).

    EM magnifies the last bits in which processors differ, from step to step. They end here: parameters are whole
    multiples of 2^-12, which is far below the floor.
    """
    weights, means, covariances = gaussians(sums)
    covariances += FLOOR * np.eye(means.shape[1])
    return natural_parameters(
        np.maximum(quantise(weights, PARAMETER_QUANTUM**2), PARAMETER_QUANTUM**2),
        quantise(means, PARAMETER_QUANTUM),
        quantise(covariances, PARAMETER_QUANTUM),
    )


def _run(multiplications: int) -> int:
    """The largest power of two of columns of so many multiplications each that OpenBLAS leaves to one thread."""
    return 1 << (MAX_PRODUCT // multiplications).bit_length() - 1


def _runs(rows: NDArray[Real], run: int) -> NDArray[Real]:
    """View rows (R, n) as (n / run, R, run)."""
    return rows.reshape(len(rows), -1, run).transpose(1, 0, 2)
