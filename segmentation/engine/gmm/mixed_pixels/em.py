"""EM for a mixture with mixed pixels.

Only pure pixels tell means and covariances. Under the model E[r_k (x - mu_k)] = 0 for the posterior r_k of the pure row k, so the
usual M-step on these rows is an unbiased estimating equation, and mixed pixels pull no mean towards a border.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.fit.em import Data
from segmentation.engine.gmm.mixed_pixels.model import MIN_OUTLIERS, NODES, MixedPixelMixture
from segmentation.engine.gmm.mixture.densities import in_sufficient_precision, posterior
from segmentation.engine.gmm.mixture.families import Family
from segmentation.engine.gmm.mixture.monomials import CENTRE, SCALE, Float, dimension, symmetric

CAP = 8.0
"""Largest weight of a pair, relative to the pure pixels of its smaller component: at least a fifth of the area of a component is
pure. Without this limit, components vanish into mixed pixels of all others."""

MAX_OUTLIERS = 0.01
N_CLASSES = 5  # of steepness, see `selection.steepness`

_MIN_WEIGHT, _MIN_PAIR = 1e-9, 1e-6
_EMPTY = 1e-7  # of all pixels; a component with fewer keeps its mean and covariance
_CLASS_PRIOR = 0.01  # of all pixels: what the classes of a component are shrunk with towards those of all components
_MIXED_PRIOR, _MIN_CLASS = 1e-3, 1e-3

Classes = NDArray[np.intp]
"""The steepness class (n,) of each value."""


@dataclass(frozen=True, slots=True, eq=False)
class Expectation:
    """The result of an E-step."""

    log_likelihood: float  # mean nats per pixel
    sums: Float  # (K, F) of phi(x), weighted with counts and with the posteriors of pure pixels
    pairs: Float  # (P,) expected pixels of each pair
    outliers: float  # expected pixels
    classes: Float | None  # (K + 1, C) expected pixels of each component, and of all pairs, in each steepness class


def first_steepness(n_components: int) -> Float:
    """Return initial probabilities of the steepness classes (K + 1, C): pure pixels are mostly flat, mixed ones are steep."""
    flat = np.geomspace(8, 1, N_CLASSES)
    flat /= flat.sum()
    return np.vstack([np.tile(flat, (n_components, 1)), flat[::-1]])


def log_joint(
    model: MixedPixelMixture, theta: NDArray[np.floating], phi: Float, classes: Classes | None
) -> NDArray[np.floating]:
    """Return the log joint densities (R + 1, n) of all rows and of outliers at monomials (F, n), in the precision of theta."""
    joint: NDArray[np.floating] = theta @ phi.astype(theta.dtype, copy=False)
    if classes is not None and model.n_pairs:
        K = model.n_components
        logs = np.log(first_steepness(K) if model.steepness is None else model.steepness).astype(theta.dtype)[
            :, classes
        ]
        joint[:K] += logs[:K]
        joint[K:-1] += logs[K]
        joint[-1] -= np.log(N_CLASSES)
    return joint


def expectation(model: MixedPixelMixture, data: Data, classes: Classes | None = None) -> Expectation:
    """Return the log-likelihood and the expected sums of one E-step, accumulated block by block."""
    theta, K = in_sufficient_precision(model.theta()), model.n_components
    total, begin = 0.0, 0
    sums, rows = np.zeros((K, theta.shape[1])), np.zeros(len(theta))
    in_classes = None if classes is None else np.zeros((K + 1, N_CLASSES))
    for phi, counts in data.parts(len(theta)):
        block = slice(begin, begin := begin + len(counts))
        chosen = None if classes is None else classes[block]
        responsibilities, log_density = posterior(log_joint(model, theta, phi, chosen), counts, np.float32)
        sums += responsibilities[:K].astype(np.float64, copy=False) @ phi.T
        rows += responsibilities.sum(axis=1)
        total += float((counts * log_density).sum())
        if in_classes is not None and chosen is not None:
            members = np.equal(chosen[:, None], np.arange(N_CLASSES)).astype(np.float64)
            in_classes[:K] += responsibilities[:K] @ members
            in_classes[K] += responsibilities[K:-1].sum(axis=0) @ members
    pairs = rows[K:-1].reshape(-1, NODES).sum(axis=1)
    return Expectation(total / float(data.counts.sum()), sums, pairs, float(rows[-1]), in_classes)


def maximise(
    model: MixedPixelMixture, expected: Expectation, pixels: float, floor: Float, family: Family
) -> MixedPixelMixture:
    """Return the model after an M-step.

    Parameters
    ----------
    model : MixedPixelMixture
        Before the step.
    expected : Expectation
    pixels : float
        Sum of the counts of all values.
    floor : ndarray, shape (D,)
        Added to each variance, in squared units of the features.
    family : Family
        Of the covariances of pure pixels.
    """
    D = dimension(expected.sums.shape[1])
    pure = expected.sums[:, 0]
    each = expected.sums / np.maximum(pure, _EMPTY * pixels)[:, None]
    scatters = symmetric(each[:, 1 + D :], D) - each[:, 1 : 1 + D, None] * each[:, None, 1 : 1 + D]
    empty = pure < _EMPTY * pixels
    means = np.where(empty[:, None], model.means, each[:, 1 : 1 + D] * SCALE + CENTRE)
    scatters = np.where(empty[:, None, None], model.covariances, scatters * SCALE**2)
    weights = np.maximum(pure / pixels, _MIN_WEIGHT)
    covariances = family.estimate(weights, scatters) + np.diag(floor)
    pair_weights = model.pair_weights
    if model.n_pairs:
        most = CAP * weights[model.pairs].min(axis=1)
        pair_weights = np.maximum(np.minimum(expected.pairs / pixels, most), _MIN_PAIR)
    outliers = float(np.clip(expected.outliers / pixels, MIN_OUTLIERS, MAX_OUTLIERS))
    scale = (1 - outliers) / (weights.sum() + pair_weights.sum())
    return replace(
        model,
        weights=weights * scale,
        means=means,
        covariances=covariances,
        pair_weights=pair_weights * scale,
        outliers=outliers,
        steepness=_steepness(expected.classes, pixels) if model.n_pairs else model.steepness,
    )


def step(
    model: MixedPixelMixture, data: Data, floor: Float, family: Family, classes: Classes | None = None
) -> tuple[float, MixedPixelMixture]:
    """Return the mean log-likelihood of a model, and the model after one step of EM."""
    expected = expectation(model, data, classes)
    return expected.log_likelihood, maximise(model, expected, float(data.counts.sum()), floor, family)


def _steepness(expected: Float | None, pixels: float) -> Float | None:
    """Return the probabilities of the steepness classes (K + 1, C); those of components of few pixels follow all others."""
    if expected is None:
        return None
    pure, mixed = expected[:-1], expected[-1:] + _MIXED_PRIOR * pixels / N_CLASSES
    pure = pure + _CLASS_PRIOR * pixels * pure.sum(axis=0) / pure.sum()
    both = np.vstack([pure, mixed])
    probabilities: Float = np.maximum(both / both.sum(axis=1, keepdims=True), _MIN_CLASS)
    return probabilities
