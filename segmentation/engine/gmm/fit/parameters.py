"""Mixtures as vectors without constraints: every vector is a mixture, so that steps of any length lead to one.

A vector holds, for each component, the logarithm of its weight, its mean and the Cholesky factor of its covariance with a
logarithmic diagonal; all standardised.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segmentation.engine.gmm.mixture.densities import invert_lower
from segmentation.engine.gmm.mixture.mixture import QUANTUM, Mixture, quantise
from segmentation.engine.gmm.mixture.monomials import CENTRE, SCALE, Float, dimension, triangle
from segmentation.engine.recipe import Covariance

_WIDEST = 1024.0  # standard deviation of a whole picture, with room to spare
_FARTHEST = 30.0  # logarithm of how much wider one Gaussian may be than another

Gaussians = tuple[Float, Float, NDArray[np.floating]]
"""Log weights (K,), means (K, D) and lower Cholesky factors (K, D, D)."""


def pack(weights: Float, means: Float, covariances: Float) -> Float:
    """A mixture (K,), (K, D), (K, D, D), standardised, as a vector (K (1 + D + D (D + 1) / 2),)."""
    return pack_gaussians((np.log(weights), means, np.linalg.cholesky(covariances)))


def unpack(point: Float, n_components: int, covariance_type: Covariance) -> Mixture:
    """The inverse of `pack`, in units of the values."""
    log_weights, means, factors = _unpack_gaussians(point, n_components)
    weights = np.maximum(np.exp(_normalised(log_weights)), np.finfo(np.float64).tiny)
    covariances = np.einsum("kil,kjl->kij", factors, factors) * SCALE**2
    return Mixture(weights, means * SCALE + CENTRE, covariances, covariance_type)


def pack_gaussians(gaussians: Gaussians) -> Float:
    """Weighted Gaussians as a vector."""
    log_weights, means, factors = gaussians
    rows, columns = triangle(means.shape[1])
    entries = factors[:, columns, rows]
    entries[:, rows == columns] = np.log(entries[:, rows == columns])
    return np.concatenate([log_weights[:, None], means, entries], axis=1).ravel()


class LocalCoordinates:
    """The mixtures around one of them, as vectors whose length says how much they differ from it.

    Means are in standard deviations of that mixture's components, factors are relative to theirs, and all is weighted by
    the root of the component's weight: half a squared length is, nearly, the Kullback-Leibler divergence of the complete
    data, of which one knows where each value comes from. In this metric an EM step is the gradient of the likelihood (Xu
    and Jordan, 1996).

    Parameters
    ----------
    middle : Mixture
        At the vector 0, after `Mixture.rounded`: from there on all is the same on every processor.
    floor : array_like, shape () or (D,)
        No component is narrower, see `em.FLOOR`.
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
        self._narrowest = np.sqrt(floor) / SCALE
        self.origin: Float = np.zeros(len(self._metric))

    def of_mixture(self, weights: Float, means: Float, covariances: Float) -> Float:
        """The vector of a mixture (K,), (K, D), (K, D, D), standardised."""
        log_weights, factors = np.log(weights), np.linalg.cholesky(covariances)
        gaps = np.einsum("kij,kj->ki", self._whitening, means - self._means)
        return pack_gaussians((log_weights - self._log_weights, gaps, self._whitening @ factors)) * self._metric

    def gaussians(self, point: Float) -> Gaussians:
        """The mixture at a vector, standardised; no narrower than the floor, no wider than any picture.

        Without BLAS, so that the same vector is the same mixture on every processor.
        """
        log_weights, gaps, relative = _unpack_gaussians(point / self._metric, len(self._means))
        factors = np.einsum("kij,kjl->kil", self._factors, relative)
        diagonal = np.arange(factors.shape[1])
        widths = factors[:, diagonal, diagonal]
        factors[:, diagonal, diagonal] = np.clip(widths, self._narrowest, _WIDEST / SCALE)
        means = self._means + np.einsum("kij,kj->ki", self._factors, gaps)
        return _normalised(self._log_weights + log_weights), means, factors


def _unpack_gaussians(point: Float, n_components: int) -> Gaussians:
    """The inverse of `pack_gaussians`."""
    parts = point.reshape(n_components, -1)
    D = dimension(parts.shape[1])
    rows, columns = triangle(D)
    factors, diagonal = np.zeros((n_components, D, D)), np.arange(D)
    factors[:, columns, rows] = parts[:, 1 + D :]
    factors[:, diagonal, diagonal] = np.exp(np.clip(factors[:, diagonal, diagonal], -_FARTHEST, _FARTHEST))
    return parts[:, 0], parts[:, 1 : 1 + D], factors


def _normalised(log_weights: Float) -> Float:
    """Log weights (K,) of sum 1."""
    above = log_weights - log_weights.max()
    normalised: Float = above - np.log(np.exp(above).sum())
    return normalised
