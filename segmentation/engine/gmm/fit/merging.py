"""Fewer components: some of a mixture replaced by the Gaussian with their common moments."""

from collections.abc import Sequence

import numpy as np

from segmentation.engine.gmm.mixture.families import FAMILIES
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import Float, Indices


def merge_cheapest(mixture: Mixture) -> Mixture:
    """Merge the two components whose merger costs the least; the new one stands last. Of equal costs the first pair.

    The cost is the fall of the classification log-likelihood, sum w_k (log w_k - log|S_k| / 2) (Celeux and Govaert,
    1992), with moments that add (Runnalls, 2007). At least two components are needed.
    """
    weights, means, covariances = mixture.weights, mixture.means, mixture.covariances
    i, j = np.triu_indices(len(weights), 1)
    weight, mean, covariance = _pair_moments(mixture, i, j)
    scores = _classification_scores(weights, covariances)
    best = int((scores[i] + scores[j] - _classification_scores(weight, covariance)).argmin())
    kept = np.delete(np.arange(len(weights)), [i[best], j[best]])
    weights = np.append(weights[kept], weight[best])
    scatters = np.append(covariances[kept], covariance[best : best + 1], axis=0)
    return Mixture(
        weights,
        np.append(means[kept], mean[best : best + 1], axis=0),
        FAMILIES[mixture.covariance_type].estimate(weights, scatters),
        mixture.covariance_type,
    )


def merge_groups(mixture: Mixture, groups: Sequence[Sequence[int]]) -> Mixture:
    """One Gaussian for each group of components, with the weight, mean and covariance of all of it.

    Sums of weights, of weighted means and of weighted second moments add; mean and covariance follow from them. What the
    fit found of single components stays as it is, whatever their family.
    """
    joined = [_group_moments(mixture, list(numbers)) for numbers in groups]
    weights, means, covariances = (np.array(part) for part in zip(*joined, strict=True))
    return Mixture(weights / weights.sum(), means, covariances)


def concatenate(one: Mixture, other: Mixture) -> Mixture:
    """The components of two mixtures of one family, each with half its weight; tied ones get a common covariance."""
    weights = np.concatenate([one.weights, other.weights]) / 2
    scatters = np.concatenate([one.covariances, other.covariances])
    covariances = FAMILIES[one.covariance_type].estimate(weights, scatters)
    return Mixture(weights, np.concatenate([one.means, other.means]), covariances, one.covariance_type)


def _group_moments(mixture: Mixture, numbers: list[int]) -> tuple[float, Float, Float]:
    """Weight, mean (D,) and covariance (D, D) of some components together."""
    weights, means, covariances = (part[numbers] for part in (mixture.weights, mixture.means, mixture.covariances))
    weight = float(weights.sum())
    shares = weights / weight
    mean = shares @ means
    gaps = means - mean
    return weight, mean, np.einsum("k,kij->ij", shares, covariances + gaps[:, :, None] * gaps[:, None, :])


def _pair_moments(mixture: Mixture, i: Indices, j: Indices) -> tuple[Float, Float, Float]:
    """Weights (n,), means (n, D) and covariances (n, D, D) of the mergers of components i (n,) with j (n,)."""
    weights, means, covariances = mixture.weights, mixture.means, mixture.covariances
    weight = weights[i] + weights[j]
    left, right = weights[i] / weight, weights[j] / weight
    mean = left[:, None] * means[i] + right[:, None] * means[j]
    gap = means[i] - means[j]
    between = (left * right)[:, None, None] * gap[:, :, None] * gap[:, None, :]
    return weight, mean, left[:, None, None] * covariances[i] + right[:, None, None] * covariances[j] + between


def _classification_scores(weights: Float, covariances: Float) -> Float:
    """Each component's part in the classification log-likelihood, but for constants; shape (K,)."""
    scores: Float = weights * (np.log(weights) - np.linalg.slogdet(covariances).logabsdet / 2)
    return scores
