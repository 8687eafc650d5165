"""Remove components from a mixture with mixed pixels: merge two, or dissolve one."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from segmentation.engine.gmm.fit.merging import classification_scores, pair_moments
from segmentation.engine.gmm.mixed_pixels.model import MixedPixelMixture
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import Float
from segmentation.engine.recipe import Covariance

_LEAST_PAIRS = 0.01  # weight of all pairs together at least, so that new ones can be found


def merge_cheapest(model: MixedPixelMixture) -> MixedPixelMixture:
    """Merge the two components whose merger costs least, with the mixed pixels between them; the merged one is the last.

    The cost is that of `fit.merging.merge_cheapest` for the pure pixels. All pairs of the result have mixed pixels.
    """
    i, j = np.triu_indices(model.n_components, 1)
    pure = Mixture(model.weights, model.means, model.covariances, Covariance.FULL)
    weight, mean, covariance = pair_moments(pure, i, j)
    scores = classification_scores(pure.weights, pure.covariances)
    best = int((scores[i] + scores[j] - classification_scores(weight, covariance)).argmin())
    one, other = int(i[best]), int(j[best])
    between = model.pair_weights[(model.pairs == (other, one)).all(axis=1)].sum()
    kept = np.delete(np.arange(model.n_components), [one, other])
    return _with_pairs_of(
        model,
        np.append(model.weights[kept], weight[best] + between),
        np.vstack([model.means[kept], mean[best]]),
        np.concatenate([model.covariances[kept], covariance[best : best + 1]]),
        {int(k): n for n, k in enumerate(kept)} | {one: len(kept), other: len(kept)},
    )


def dissolve(model: MixedPixelMixture, number: int) -> MixedPixelMixture:
    """Remove a component together with its mixed pixels. All pairs of the result have mixed pixels."""
    kept = np.delete(np.arange(model.n_components), number)
    new_numbers = {int(k): n for n, k in enumerate(kept)}
    return _with_pairs_of(model, model.weights[kept], model.means[kept], model.covariances[kept], new_numbers)


def _with_pairs_of(
    model: MixedPixelMixture, weights: Float, means: Float, covariances: Float, new_numbers: Mapping[int, int]
) -> MixedPixelMixture:
    """Return a model of new components whose pairs have the weights of the old pairs, by the new number of old components."""
    K = len(weights)
    table = np.zeros((K, K))
    for (i, j), pair_weight in zip(model.pairs.tolist(), model.pair_weights, strict=True):
        one, other = new_numbers.get(i), new_numbers.get(j)
        if one is not None and other is not None and one != other:
            table[max(one, other), min(one, other)] += pair_weight
    rows, columns = np.tril_indices(K, -1) if model.line is not None else (np.empty(0, np.intp),) * 2
    pair_weights = np.maximum(table[rows, columns], _LEAST_PAIRS / max(len(rows), 1))
    scale = (1 - model.outliers) / (weights.sum() + pair_weights.sum())
    return replace(
        model,
        weights=weights * scale,
        means=means,
        covariances=covariances,
        pairs=np.column_stack([rows, columns]),
        pair_weights=pair_weights * scale,
        steepness=None,
    )
