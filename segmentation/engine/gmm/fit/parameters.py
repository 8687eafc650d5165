"""Unconstrained parameters: mixtures as vectors such that every vector is a mixture, as optimisation needs it.

A vector holds, for each component, the logarithm of its weight, its mean, and the Cholesky factor of its covariance with the
logarithm of the diagonal. All are standardised.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segmentation.engine.gmm.mixture.densities import invert_lower
from segmentation.engine.gmm.mixture.mixture import QUANTUM, Mixture, quantise
from segmentation.engine.gmm.mixture.monomials import CENTRE, SCALE, Float, dimension, triangle
from segmentation.engine.recipe import Covariance

_MAX_DEVIATION = 1024.0  # largest standard deviation, above that of any picture
_MAX_LOG_RATIO = 30.0  # largest logarithm of the ratio of two standard deviations

Gaussians = tuple[Float, Float, NDArray[np.floating]]
"""Log weights (K,), means (K, D) and lower Cholesky factors (K, D, D)."""


def pack(weights: Float, means: Float, covariances: Float) -> Float:
    """Return the vector (K (1 + D + D (D + 1) / 2),) of standardised weights (K,), means (K, D) and covariances (K, D, D)."""
    return pack_gaussians((np.log(weights), means, np.linalg.cholesky(covariances)))


def unpack(point: Float, n_components: int, covariance_type: Covariance) -> Mixture:
    """Return the mixture of a vector from `pack`, in units of the features."""
    log_weights, means, factors = _unpack_gaussians(point, n_components)
    weights = np.maximum(np.exp(_normalised(log_weights)), np.finfo(np.float64).tiny)
    covariances = np.einsum("kil,kjl->kij", factors, factors) * SCALE**2
    return Mixture(weights, means * SCALE + CENTRE, covariances, covariance_type)


def pack_gaussians(gaussians: Gaussians) -> Float:
    """Return the vector of weighted Gaussians; the inverse of `_unpack_gaussians`."""
    log_weights, means, factors = gaussians
    rows, columns = triangle(means.shape[1])
    entries = factors[:, columns, rows]
    entries[:, rows == columns] = np.log(entries[:, rows == columns])
    return np.concatenate([log_weights[:, None], means, entries], axis=1).ravel()


class LocalCoordinates:
    """Coordinates of mixtures relative to a reference mixture, in which an EM step approximates the gradient.

    Differences of means are in standard deviations of the reference's components, Cholesky factors are relative to theirs,
    and both are scaled by the square root of the component's weight. Half the squared length of a vector is then, to second
    order, the Kullback-Leibler divergence of the complete data. In this metric an EM step is the gradient of the
    log-likelihood (Xu and Jordan, 1996).

    Parameters
    ----------
    reference : Mixture
        The mixture at the vector 0. It is rounded by `Mixture.rounded` first, to be the same on every processor.
    floor : array_like, shape () or (D,)
        Smallest variance of a component, see `em.FLOOR`.
    """

    def __init__(self, reference: Mixture, floor: ArrayLike) -> None:
        reference = reference.rounded()
        K, D = reference.means.shape
        rows, columns = triangle(D)
        self._log_weights, self._means = np.log(reference.weights), (reference.means - CENTRE) / SCALE
        self._factors = quantise(np.linalg.cholesky(reference.covariances), QUANTUM) / SCALE
        self._whitening = invert_lower(self._factors)
        self._metric = np.ones((K, 1 + D + len(rows)))
        self._metric[:, 1 + D :] = np.where(rows == columns, np.sqrt(2), 1.0)
        self._metric = (self._metric * np.sqrt(reference.weights)[:, None]).ravel()
        self._min_deviation = np.sqrt(floor) / SCALE
        self.origin: Float = np.zeros(len(self._metric))

    def of_mixture(self, weights: Float, means: Float, covariances: Float) -> Float:
        """Return the coordinates of a mixture with standardised weights (K,), means (K, D) and covariances (K, D, D)."""
        log_weights, factors = np.log(weights), np.linalg.cholesky(covariances)
        gaps = np.einsum("kij,kj->ki", self._whitening, means - self._means)
        return pack_gaussians((log_weights - self._log_weights, gaps, self._whitening @ factors)) * self._metric

    def gaussians(self, point: Float) -> Gaussians:
        """Return the standardised Gaussians at a point, with standard deviations clipped to a valid range.

        BLAS is not used, so that the same point gives the same bytes on every processor.
        """
        log_weights, gaps, relative = _unpack_gaussians(point / self._metric, len(self._means))
        factors = np.einsum("kij,kjl->kil", self._factors, relative)
        diagonal = np.arange(factors.shape[1])
        widths = factors[:, diagonal, diagonal]
        factors[:, diagonal, diagonal] = np.clip(widths, self._min_deviation, _MAX_DEVIATION / SCALE)
        means = self._means + np.einsum("kij,kj->ki", self._factors, gaps)
        return _normalised(self._log_weights + log_weights), means, factors


def _unpack_gaussians(point: Float, n_components: int) -> Gaussians:
    """Return the Gaussians of a vector; the inverse of `pack_gaussians`."""
    parts = point.reshape(n_components, -1)
    D = dimension(parts.shape[1])
    rows, columns = triangle(D)
    factors, diagonal = np.zeros((n_components, D, D)), np.arange(D)
    factors[:, columns, rows] = parts[:, 1 + D :]
    factors[:, diagonal, diagonal] = np.exp(np.clip(factors[:, diagonal, diagonal], -_MAX_LOG_RATIO, _MAX_LOG_RATIO))
    return parts[:, 0], parts[:, 1 : 1 + D], factors


def _normalised(log_weights: Float) -> Float:
    """Return log weights (K,) minus a constant, so that the weights sum to 1."""
    relative = log_weights - log_weights.max()
    normalised: Float = relative - np.log(np.exp(relative).sum())
    return normalised
