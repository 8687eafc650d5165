"""A mixture of pure pixels, mixed pixels and outliers, as an immutable value.

A pixel is

- pure, of component k with weight w_k: N(mu_k, S_k);
- mixed, of the pair (i, j) with weight pi_ij: a share a of it is of component i and the rest of j. Given a, its value is
  N(a mu_i + (1 - a) mu_j, a S_i + (1 - a) S_j), and a is uniform from 0 to 1 (Santago and Gage, 1993). The integral over a is
  replaced by a sum over M = 4 nodes a = (m + 1/2) / M of equal weight; each stands for an interval of width 1/M, so the variance
  of the mean within that interval, d d' / (12 M^2) with d = mu_i - mu_j, is added to its covariance, twice, because between the
  nodes of narrow components gaps would remain otherwise;
- an outlier, with a density that is constant over the range of values (Banfield and Raftery, 1993). It labels no pixel.

M is even, so that no node lies half way between two components.
"""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from segmentation.engine.gmm.mixed_pixels.lines import Line
from segmentation.engine.gmm.mixture.densities import natural_parameters
from segmentation.engine.gmm.mixture.mixture import QUANTUM, Mixture, quantise
from segmentation.engine.gmm.mixture.monomials import CENTRE, SCALE, Float, Indices
from segmentation.engine.recipe import Covariance

NODES = 4  # M
SHARES: Float = (np.arange(NODES) + 0.5) / NODES
SPREAD = 2.0  # times the variance within an interval
LOG_RANGE = float(np.log(256.0))  # of the values of outliers in each feature, in units of the fit
FIRST_OUTLIERS, MIN_OUTLIERS = 1e-4, 1e-6  # weight of outliers before the fit, and at least
_MIN_WEIGHT = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The Gaussians of a model: first those of pure pixels, then `NODES` for each pair."""

    weights: Float  # (R,)
    means: Float  # (R, D)
    covariances: Float  # (R, D, D)
    shares: Float  # (R, K) of the components in a pixel of each row; sum 1


@dataclass(frozen=True, slots=True, eq=False)
class MixedPixelMixture:
    """K pure components, P pairs with mixed pixels, and outliers, in the units of the features. All weights sum to 1."""

    weights: Float  # (K,) of pure pixels
    means: Float  # (K, D)
    covariances: Float  # (K, D, D)
    line: Line | None  # values of mixed pixels; None when there can be none
    pairs: Indices  # (P, 2) components i > j
    pair_weights: Float  # (P,) of all mixed pixels of each pair
    outliers: float = FIRST_OUTLIERS  # weight
    steepness: Float | None = None  # (K + 1, C) probabilities of the steepness classes of pure and of all mixed pixels

    @classmethod
    def of(cls, mixture: Mixture, line: Line | None) -> Self:
        """Return a model with pure pixels only."""
        none = np.empty((0, 2), np.intp)
        return cls(mixture.weights * (1 - FIRST_OUTLIERS), mixture.means, mixture.covariances, line, none, np.empty(0))

    @property
    def n_components(self) -> int:
        return len(self.weights)

    @property
    def n_pairs(self) -> int:
        return len(self.pairs)

    def with_all_pairs(self, share: float) -> Self:
        """Return the model with mixed pixels of every two components, of the given share of all pixels, in equal parts."""
        K = self.n_components
        pairs = np.column_stack(np.tril_indices(K, -1))
        if self.line is None or not len(pairs):
            return self
        pair_weights = np.full(len(pairs), share / len(pairs) * self.weights.sum())
        return replace(self, weights=self.weights * (1 - share), pairs=pairs, pair_weights=pair_weights)

    def with_strongest_pairs(self, most: int, least: float) -> Self:
        """Return the model with at most so many pairs, each with more than the least weight."""
        strongest = np.argsort(-self.pair_weights, kind="stable")[:most]
        kept = np.sort(strongest[self.pair_weights[strongest] > least])
        return replace(self, pairs=self.pairs[kept], pair_weights=self.pair_weights[kept])

    def subset(self, numbers: Indices) -> Self:
        """Return the model with its components in another order."""
        position = np.empty(len(numbers), np.intp)
        position[numbers] = np.arange(len(numbers))
        pairs = np.sort(position[self.pairs], axis=1)[:, ::-1]  # the nodes of a pair lie symmetrically
        return replace(
            self,
            weights=self.weights[numbers],
            means=self.means[numbers],
            covariances=self.covariances[numbers],
            pairs=pairs,
            steepness=None,
        )

    def rounded(self) -> Self:
        """Return the model rounded like `Mixture.rounded`, so that the same picture gives the same on every processor."""
        pure = Mixture(self.weights, self.means, self.covariances, Covariance.FULL).rounded()
        return replace(
            self,
            weights=pure.weights,
            means=pure.means,
            covariances=pure.covariances,
            pair_weights=quantise(self.pair_weights, QUANTUM**1.5),
            outliers=float(quantise(np.array(self.outliers), QUANTUM**1.5)),
            steepness=None,
        )

    def rows(self) -> Rows:
        """Return the Gaussians of the model."""
        K, D = self.means.shape
        if not self.n_pairs or self.line is None:
            return Rows(self.weights, self.means, self.covariances, np.eye(K))
        i, j = self.pairs.T
        means, slopes = self.line(self.means[i], self.means[j], SHARES)
        a = SHARES[None, :, None, None]
        within = SPREAD / (12 * NODES**2) * slopes[..., :, None] * slopes[..., None, :]
        covariances = a * self.covariances[i][:, None] + (1 - a) * self.covariances[j][:, None] + within
        shares = np.zeros((len(i), NODES, K))
        shares[np.arange(len(i)), :, i] += SHARES
        shares[np.arange(len(i)), :, j] += 1 - SHARES
        return Rows(
            np.concatenate([self.weights, np.repeat(self.pair_weights / NODES, NODES)]),
            np.concatenate([self.means, means.reshape(-1, D)]),
            np.concatenate([self.covariances, covariances.reshape(-1, D, D)]),
            np.concatenate([np.eye(K), shares.reshape(-1, K)]),
        )

    def theta(self) -> Float:
        """Return the natural parameters of all rows and, last, of the outliers; shape (R + 1, F)."""
        rows = self.rows()
        factors = np.linalg.cholesky(rows.covariances) / SCALE
        log_weights = np.log(np.maximum(rows.weights, _MIN_WEIGHT))
        gaussians = natural_parameters(log_weights, (rows.means - CENTRE) / SCALE, factors)
        outliers = np.zeros((1, gaussians.shape[1]))
        outliers[0, 0] = np.log(max(self.outliers, MIN_OUTLIERS)) - self.means.shape[1] * LOG_RANGE
        return np.concatenate([gaussians, outliers])

    def label_mixture(self) -> Mixture:
        """Return a mixture of one Gaussian a component that labels pixels, with one covariance for all.

        Each component takes its half of every border: its Gaussian has weight and mean of its pure pixels together with the
        mixed pixels that are mostly its own. Labels of this mixture are as good as those by the largest expected share, and a
        tied mixture can be stored, drawn and exported like any other.
        """
        rows = self.rows()
        members = np.equal(rows.shares.argmax(axis=1), np.arange(self.n_components)[:, None]) * rows.weights  # (K, R)
        weights = members.sum(axis=1)
        means = (members @ rows.means) / weights[:, None]
        scatters = np.zeros_like(rows.covariances[0])
        for member, mean in zip(members, means, strict=True):
            gaps = rows.means - mean
            scatters += np.einsum("r,rij->ij", member, rows.covariances + gaps[:, :, None] * gaps[:, None, :])
        covariances = np.broadcast_to(scatters / weights.sum(), self.covariances.shape)
        weights = np.maximum(weights / weights.sum(), _MIN_WEIGHT)
        return Mixture(weights / weights.sum(), means, covariances, Covariance.TIED)
