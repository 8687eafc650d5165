"""The shapes that clusters may take: four families of covariance matrices, one small class each.

A family decides two things only: which matrices an M-step yields, and how many free numbers they hold. Everything else -
densities, Cholesky factors, extrapolation - works on the matrices themselves, shape (K, D, D), whatever their family: the
factor of a diagonal matrix is diagonal, and equal matrices stay equal under every step that treats all alike.

The estimates are the maximum-likelihood ones (Celeux and Govaert, 1995, on parsimonious Gaussian models), with
scikit-learn's names.
"""

from typing import Protocol

import numpy as np

from segmentation.engine.gmm.mixture.monomials import Float
from segmentation.engine.recipe import Covariance


class Family(Protocol):
    """What every family of covariances can tell."""

    def estimate(self, weights: Float, scatters: Float) -> Float:
        """The family's likeliest covariances (K, D, D), given each component's own (K, D, D) and the weights (K,)."""

    def n_parameters(self, n_components: int, dimension: int) -> int:
        """Free numbers in the K covariances together."""

    def compact(self, covariances: Float) -> Float:
        """What scikit-learn stores of the covariances (K, D, D) of a mixture of this family."""


class Full:
    """Every component has a matrix of its own."""

    def estimate(self, weights: Float, scatters: Float) -> Float:  # noqa: ARG002 - the same for all families
        return scatters

    def n_parameters(self, n_components: int, dimension: int) -> int:
        return n_components * dimension * (dimension + 1) // 2

    def compact(self, covariances: Float) -> Float:
        return covariances.copy()


class Tied:
    """All components share one matrix: the mean of their own by weight."""

    def estimate(self, weights: Float, scatters: Float) -> Float:
        shared: Float = (weights[:, None, None] * scatters).sum(axis=0) / weights.sum()
        return np.array(np.broadcast_to(shared, scatters.shape))

    def n_parameters(self, n_components: int, dimension: int) -> int:  # noqa: ARG002 - the same for all families
        return dimension * (dimension + 1) // 2

    def compact(self, covariances: Float) -> Float:
        shared: Float = covariances[0]
        return shared.copy()


class Diagonal:
    """Every component has a variance for each value; the values are independent within a component."""

    def estimate(self, weights: Float, scatters: Float) -> Float:  # noqa: ARG002 - the same for all families
        diagonal: Float = scatters * np.eye(scatters.shape[1])
        return diagonal

    def n_parameters(self, n_components: int, dimension: int) -> int:
        return n_components * dimension

    def compact(self, covariances: Float) -> Float:
        return np.diagonal(covariances, axis1=1, axis2=2).copy()


class Spherical:
    """Every component has one variance, the mean over the values: round clusters."""

    def estimate(self, weights: Float, scatters: Float) -> Float:  # noqa: ARG002 - the same for all families
        variances = np.trace(scatters, axis1=1, axis2=2) / scatters.shape[1]
        round_ones: Float = variances[:, None, None] * np.eye(scatters.shape[1])
        return round_ones

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
