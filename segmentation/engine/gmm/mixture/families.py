"""The four covariance families full, tied, diag and spherical (scikit-learn's names), one small class each.

A family defines the M-step of the covariances and the number of their free parameters. Everything else (densities, Cholesky
factors, quasi-Newton steps) works on the matrices (K, D, D) of any family: the Cholesky factor of a diagonal matrix is
diagonal, and equal matrices stay equal under any step that treats all components alike.

The estimates are those of maximum likelihood (Celeux and Govaert, 1995).
"""

from typing import Protocol

import numpy as np

from segmentation.engine.gmm.mixture.monomials import Float
from segmentation.engine.recipe import Covariance


class Family(Protocol):
    """The interface of a covariance family."""

    def estimate(self, weights: Float, scatters: Float) -> Float:
        """Return the maximum-likelihood covariances (K, D, D) of the family.

        Parameters
        ----------
        weights : ndarray, shape (K,)
        scatters : ndarray, shape (K, D, D)
            Unrestricted covariance of each component.
        """

    def n_parameters(self, n_components: int, dimension: int) -> int:
        """Return the number of free parameters of the K covariances together."""

    def compact(self, covariances: Float) -> Float:
        """Return covariances (K, D, D) of this family in the shape of scikit-learn's `covariances_`."""


class Full:
    """Each component has its own unrestricted covariance matrix."""

    def estimate(self, weights: Float, scatters: Float) -> Float:  # noqa: ARG002 - the same for all families
        return scatters

    def n_parameters(self, n_components: int, dimension: int) -> int:
        return n_components * dimension * (dimension + 1) // 2

    def compact(self, covariances: Float) -> Float:
        return covariances.copy()


class Tied:
    """All components share one covariance matrix: the weighted mean of the unrestricted ones."""

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

    def estimate(self, weights: Float, scatters: Float) -> Float:  # noqa: ARG002 - the same for all families
        diagonal: Float = scatters * np.eye(scatters.shape[1])
        return diagonal

    def n_parameters(self, n_components: int, dimension: int) -> int:
        return n_components * dimension

    def compact(self, covariances: Float) -> Float:
        return np.diagonal(covariances, axis1=1, axis2=2).copy()


class Spherical:
    """Each component has a single variance, the mean of its variances over the dimensions."""

    def estimate(self, weights: Float, scatters: Float) -> Float:  # noqa: ARG002 - the same for all families
        variances = np.trace(scatters, axis1=1, axis2=2) / scatters.shape[1]
        covariances: Float = variances[:, None, None] * np.eye(scatters.shape[1])
        return covariances

    def n_parameters(self, n_components: int, dimension: int) -> int:  # noqa: ARG002 - the same for all families
        return n_components

    def compact(self, covariances: Float) -> Float:
        return covariances[:, 0, 0].copy()


FAMILIES: dict[Covariance, Family] = {
    Covariance.FULL: Full(),
    Covariance.TIED: Tied(),
    Covariance.DIAG: Diagonal(),
    Covariance.SPHERICAL: Spherical(),
}
