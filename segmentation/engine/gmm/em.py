"""Expectation maximisation (Dempster, Laird and Rubin, 1977) for full covariances, on weighted values.

One evaluation is an E-step at given natural parameters; it yields the log-likelihood there and the expected sums of
phi(x), from which the M-step follows in closed form.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segmentation.engine.gmm.densities import posterior
from segmentation.engine.gmm.features import CENTRE, SCALE, Float, blocks, dimension, expand, symmetric
from segmentation.engine.gmm.mixture import Mixture

FLOOR = 1 / 12
"""Variance of a value rounded to whole numbers (Sheppard, 1898), added to each: no component is narrower than that."""

_NOTHING = 1e-9  # of one pixel


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Values with their multiplicities, expanded once for all evaluations."""

    phi: Float  # (F, n)
    counts: Float  # (n,)

    @classmethod
    def of(cls, values: NDArray[np.generic], counts: ArrayLike) -> "Data":
        """Expand values (n, D) that occur `counts` (n,) times."""
        return cls(expand(values), np.asarray(counts, dtype=np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What one E-step finds."""

    log_likelihood: float  # mean nats per pixel
    sums: Float  # (K, F): phi(x) summed with counts and responsibilities


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Where an iteration ended."""

    mixture: Mixture
    history: Float  # mean log-likelihood after each evaluation
    converged: bool

    @property
    def log_likelihood(self) -> float:
        return float(self.history[-1])


def evaluate(theta: Float, data: Data) -> Evaluation:
    """One E-step: responsibilities as posterior probabilities, block by block, kept only as sums.

    Parameters
    ----------
    theta : ndarray, shape (K, F)
        From `Mixture.theta` or `densities.natural`.
    data : Data
    """
    total = 0.0
    sums = np.zeros_like(theta)
    for block in blocks(len(data.counts), len(theta)):
        phi, counts = data.phi[:, block], data.counts[block]
        responsibilities, log_density = posterior(theta @ phi, counts)
        sums += responsibilities @ phi.T
        total += float((counts * log_density).sum())
    return Evaluation(total / float(data.counts.sum()), sums)


def maximise(sums: Float, floor: float = FLOOR) -> Mixture:
    """M-step: weights, means and covariances from expected sums, plus `floor` on every variance.

    A component that explains nothing becomes the Gaussian of the whole picture with a weight of nearly 0: from there
    it can still take up whatever the others explain badly.

    Parameters
    ----------
    sums : ndarray, shape (K, F)
        As in `Evaluation`.
    floor : float
        In squared units of the values.
    """
    idle = sums[:, 0] < _NOTHING
    sums = np.where(idle[:, None], sums.sum(axis=0) * (_NOTHING / sums[:, 0].sum()), sums)
    D = dimension(sums.shape[1])
    pixels = sums[:, 0]
    means = sums[:, 1 : 1 + D] / pixels[:, None]
    seconds = symmetric(sums[:, 1 + D :] / pixels[:, None], D)
    covariances = (seconds - means[:, :, None] * means[:, None, :]) * SCALE**2 + floor * np.eye(D)
    return Mixture(pixels / pixels.sum(), means * SCALE + CENTRE, covariances)


def fit(
    values: NDArray[np.generic],
    counts: ArrayLike,
    start: Mixture,
    *,
    tolerance: float = 1e-3,
    max_iterations: int = 100,
    floor: float = FLOOR,
    on_progress: Callable[[int, float], None] = lambda _iteration, _log_likelihood: None,
) -> Fit:
    """Plain EM until an iteration changes the likelihood by less than `tolerance`: the yardstick for `squarem.climb`.

    Parameters
    ----------
    values : ndarray, shape (n, D)
        In units of 0 to 255.
    counts : array_like, shape (n,)
        How often each occurs, above 0.
    start : Mixture
    tolerance : float
        Mean nats per pixel.
    max_iterations : int
        At least 1.
    floor : float
        Added to each variance after each M-step, in squared units of the values.
    on_progress : callable
        Told the number of evaluations and the mean log-likelihood after each.

    Returns
    -------
    Fit
        Its mixture is one M-step past the last evaluation.
    """
    data = Data.of(values, counts)
    return iterate(
        data, start, tolerance=tolerance, max_iterations=max_iterations, floor=floor, on_progress=on_progress
    )


def iterate(
    data: Data,
    start: Mixture,
    *,
    tolerance: float,
    max_iterations: int,
    floor: float = FLOOR,
    on_progress: Callable[[int, float], None] = lambda _iteration, _log_likelihood: None,
) -> Fit:
    """The loop of `fit`, on data that are expanded already."""
    mixture = start
    history: list[float] = []
    for iteration in range(1, max_iterations + 1):
        evaluation = evaluate(mixture.theta(), data)
        mixture = maximise(evaluation.sums, floor)
        history.append(evaluation.log_likelihood)
        on_progress(iteration, evaluation.log_likelihood)
        if iteration > 1 and abs(history[-1] - history[-2]) < tolerance:
            return Fit(mixture, np.array(history), converged=True)
    return Fit(mixture, np.array(history), converged=False)
