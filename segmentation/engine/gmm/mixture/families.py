"""The covariance families full, tied, diag and spherical (scikit-learn's names), and mixed, one small class each.

A family defines the M-step of the covariances and the number of their free parameters. Everything else (densities, Cholesky
factors, quasi-Newton steps) works on the matrices (K, D, D) of any family: the Cholesky factor of a diagonal matrix is
diagonal, and equal matrices stay equal under any step that treats all components alike.

The estimates of the first four are those of maximum likelihood (Celeux and Govaert, 1995). The family mixed belongs to the
model of mixed pixels (`mixed_pixels`), whose pure components share what they know of their covariances.
"""

from typing import Protocol

import numpy as np

from segmentation.engine.gmm.mixture.monomials import Float
from segmentation.engine.recipe import Covariance


class Family(Protocol):
    """The interface of a covariance family."""

    sklearn_type: str  # its `covariance_type` in scikit-learn

    def estimate(self, weights: Float, scatters: Float) -> Float:
        """Return the covariances (K, D, D) of the family.

        Parameters
        ----------
        weights : ndarray, shape (K,)
            Shares of all pixels; their sum is less than 1 when some pixels belong to no component.
        scatters : ndarray, shape (K, D, D)
            Unrestricted covariance of each component.
        """

    def n_parameters(self, n_components: int, dimension: int) -> int:
        """Return the number of free parameters of the K covariances together."""

    def compact(self, covariances: Float) -> Float:
        """Return covariances (K, D, D) of this family in the shape of scikit-learn's `covariances_`."""


class Full:
    """Each component has its own unrestricted covariance matrix."""

    sklearn_type = "full"

    def estimate(self, weights: Float, scatters: Float) -> Float:  # noqa: ARG002 - the same for all families
        return scatters

    def n_parameters(self, n_components: int, dimension: int) -> int:
        return n_components * dimension * (dimension + 1) // 2

    def compact(self, covariances: Float) -> Float:
        return covariances.copy()


class Tied:
    """All components share one covariance matrix: the weighted mean of the unrestricted ones."""

    sklearn_type = "tied"

    def estimate(self, weights: Float, scatters: Float) -> Float:
        shared: Float = (weights[:, None, None] * scatters).sum(axis=0) / weights.sum()
        return np.array(np.broadcast_to(shared, scatters.shape))

    def n_parameters(self, n_components: int, dimension: int) -> int:  # noqa: ARG002 - the same for all families
        return dimension * (dimension + 1) // 2

    def compact(self, covariances: Float) -> Float:
        shared: Float = covariances[0]
        return shared.copy()


class Diagonal:
    """Each component has a diagonal covariance matrix."""

    sklearn_type = "diag"

    def estimate(self, weights: Float, scatters: Float) -> Float:  # noqa: ARG002 - the same for all families
        diagonal: Float = scatters * np.eye(scatters.shape[1])
        return diagonal

    def n_parameters(self, n_components: int, dimension: int) -> int:
        return n_components * dimension

    def compact(self, covariances: Float) -> Float:
        return np.diagonal(covariances, axis1=1, axis2=2).copy()


class Spherical:
    """Each component has a single variance, the mean of its variances over the dimensions."""

    sklearn_type = "spherical"

    def estimate(self, weights: Float, scatters: Float) -> Float:  # noqa: ARG002 - the same for all families
        variances = np.trace(scatters, axis1=1, axis2=2) / scatters.shape[1]
        covariances: Float = variances[:, None, None] * np.eye(scatters.shape[1])
        return covariances

    def n_parameters(self, n_components: int, dimension: int) -> int:  # noqa: ARG002 - the same for all families
        return n_components

    def compact(self, covariances: Float) -> Float:
        return covariances[:, 0, 0].copy()


class Mixed(Full):
    """Each component has its own covariance matrix, shrunk towards the pooled one.

    S_k <- (w_k S_k + nu P) / (w_k + nu) with the pooled covariance P = sum_k w_k S_k / sum_k w_k: the mode of the posterior
    under an inverse Wishart prior around P (Fraley and Raftery, 2007). A component of few pixels takes the common shape,
    which is known well, instead of one that grows over the mixed pixels at its borders.
    """

    def __init__(self, strength: float) -> None:
        self.strength = strength  # nu: pixels that the prior counts as, as a share of all pixels

    def estimate(self, weights: Float, scatters: Float) -> Float:
        pooled = np.einsum("k,kij->ij", weights, scatters) / weights.sum()
        total = weights + self.strength
        shrunk: Float = (weights[:, None, None] * scatters + self.strength * pooled) / total[:, None, None]
        return shrunk


STRENGTH = 0.1
"""Of the prior of `Mixed`. When a picture counts as 2,000 observations, the prior counts as 200; 0.02 to 0.3 differ little."""

FAMILIES: dict[Covariance, Family] = {
    Covariance.FULL: Full(),
    Covariance.TIED: Tied(),
    Covariance.DIAG: Diagonal(),
    Covariance.SPHERICAL: Spherical(),
    Covariance.MIXED: Mixed(STRENGTH),
}
