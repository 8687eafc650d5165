"""Merge components of a mixture: replace them by one Gaussian with the same total weight, mean and covariance."""

from collections.abc import Sequence

import numpy as np

from segmentation.engine.gmm.mixture.families import FAMILIES
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import Float, Indices


def merge_cheapest(mixture: Mixture) -> Mixture:
    """Merge the two components whose merger costs least; the merged component is the last one. On a tie the first pair.

    The cost is the decrease of the classification log-likelihood, sum_k w_k (log w_k - log|S_k| / 2) (Celeux and Govaert,
    1992), where merging preserves the moments (Runnalls, 2007). The mixture must have at least two components.
    """
    weights, means, covariances = mixture.weights, mixture.means, mixture.covariances
    i, j = np.triu_indices(len(weights), 1)
    weight, mean, covariance = pair_moments(mixture, i, j)
    scores = classification_scores(weights, covariances)
    best = int((scores[i] + scores[j] - classification_scores(weight, covariance)).argmin())
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
    """Return a mixture with one Gaussian for each group of components, with the weight, mean and covariance of the group.

    The covariances of the result are unrestricted; a group of one component keeps the covariance of that component.
    """
    joined = [_group_moments(mixture, list(numbers)) for numbers in groups]
    weights, means, covariances = (np.array(part) for part in zip(*joined, strict=True))
    return Mixture(weights / weights.sum(), means, covariances)


def concatenate(one: Mixture, other: Mixture) -> Mixture:
    """Return the components of two mixtures of one family in one mixture, with half their weights.

    The covariances are estimated again in the family, so that those of tied mixtures become equal.
    """
    weights = np.concatenate([one.weights, other.weights]) / 2
    scatters = np.concatenate([one.covariances, other.covariances])
    covariances = FAMILIES[one.covariance_type].estimate(weights, scatters)
    return Mixture(weights, np.concatenate([one.means, other.means]), covariances, one.covariance_type)


def _group_moments(mixture: Mixture, numbers: list[int]) -> tuple[float, Float, Float]:
    """Return the weight, mean (D,) and covariance (D, D) of a group of components."""
    weights, means, covariances = (part[numbers] for part in (mixture.weights, mixture.means, mixture.covariances))
    weight = float(weights.sum())
    shares = weights / weight
    mean = shares @ means
    gaps = means - mean
    return weight, mean, np.einsum("k,kij->ij", shares, covariances + gaps[:, :, None] * gaps[:, None, :])


def pair_moments(mixture: Mixture, i: Indices, j: Indices) -> tuple[Float, Float, Float]:
    """Return weights (n,), means (n, D) and covariances (n, D, D) of components i (n,) merged with components j (n,)."""
    weights, means, covariances = mixture.weights, mixture.means, mixture.covariances
    weight = weights[i] + weights[j]
    left, right = weights[i] / weight, weights[j] / weight
    mean = left[:, None] * means[i] + right[:, None] * means[j]
    gap = means[i] - means[j]
    between = (left * right)[:, None, None] * gap[:, :, None] * gap[:, None, :]
    return weight, mean, left[:, None, None] * covariances[i] + right[:, None, None] * covariances[j] + between


def classification_scores(weights: Float, covariances: Float) -> Float:
    """Return the contribution of each component to the classification log-likelihood, up to a constant; shape (K,)."""
    scores: Float = weights * (np.log(weights) - np.linalg.slogdet(covariances).logabsdet / 2)
    return scores
