"""Expectation maximisation (Dempster, Laird and Rubin, 1977) on weighted values.

One evaluation is an E-step at given natural parameters; it yields the log-likelihood there and the expected sums of
phi(x), from which the M-step follows in closed form.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segmentation.engine.gmm.mixture.densities import natural_parameters, posterior
from segmentation.engine.gmm.mixture.families import FAMILIES
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import (
    CENTRE,
    SCALE,
    Float,
    blocks,
    dimension,
    expand,
    n_monomials,
    symmetric,
)
from segmentation.engine.recipe import Covariance

FLOOR = 1 / 12
"""Variance of a value rounded to whole numbers (Sheppard, 1898), added to each: no component is narrower than that."""

_MIN_PIXELS = 1e-9  # of one pixel
_MAX_EXPANDED = 10 * 2**20  # numbers; expansions up to 80 MB are kept


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Values with their multiplicities; expanded once for all evaluations unless they are very many."""

    values: NDArray[np.generic]  # (n, D)
    counts: Float  # (n,)
    phi: Float | None  # (F, n)
    precision: type[np.floating]  # of the exponentials in E-steps, see `densities.posterior`

    @classmethod
    def of(cls, values: NDArray[np.generic], counts: ArrayLike, *, single_precision: bool = False) -> "Data":
        """Take values (n, D) that occur `counts` (n,) times; `single_precision` E-steps use exponentials of single precision."""
        phi = expand(values) if len(values) * n_monomials(values.shape[1]) <= _MAX_EXPANDED else None
        return cls(values, np.asarray(counts, dtype=np.float64), phi, np.float32 if single_precision else np.float64)

    @property
    def dimension(self) -> int:
        return int(self.values.shape[1])

    @property
    def is_exact(self) -> bool:
        """Whether products of `densities.exact_parameters` parameters with phi are free of rounding."""
        return self.values.dtype == np.uint8

    def standardised(self) -> Float:
        """The values as `monomials.expand` has them, shape (D, n)."""
        phi = expand(self.values) if self.phi is None else self.phi
        return phi[1 : 1 + self.dimension]

    def parts(self, n_components: int) -> Iterator[tuple[Float, Float]]:
        """Yield phi (F, m) and counts (m,), block by block."""
        for block in blocks(len(self.counts), n_components, n_monomials(self.dimension)):
            yield expand(self.values[block]) if self.phi is None else self.phi[:, block], self.counts[block]


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
    path: Float = field(default_factory=lambda: np.empty((0, 0)))  # best point of `points.pack` after each evaluation

    @property
    def log_likelihood(self) -> float:
        return float(self.history[-1])


def evaluate(theta: Float, data: Data) -> Evaluation:
    """One E-step: responsibilities as posterior probabilities, block by block, kept only as sums.

    Parameters
    ----------
    theta : ndarray, shape (K, F)
        From `Mixture.theta` or `densities.natural_parameters`.
    data : Data
    """
    total = 0.0
    sums = np.zeros_like(theta)
    for phi, counts in data.parts(len(theta)):
        responsibilities, log_density = posterior(theta @ phi, counts, data.precision)
        sums += responsibilities @ phi.T
        total += float((counts * log_density).sum())
    return Evaluation(total / float(data.counts.sum()), sums)


def weighted_moments(members: Float, data: Data) -> Float:
    """Sums (K, F) of phi(x) with counts over given memberships (K, n)."""
    sums, begin = np.zeros((len(members), n_monomials(data.dimension))), 0
    for phi, counts in data.parts(len(members)):
        end = begin + len(counts)
        sums += (members[:, begin:end] * counts) @ phi.T
        begin = end
    return sums


def estimate(
    sums: Float, floor: ArrayLike = FLOOR, covariance_type: Covariance = Covariance.FULL
) -> tuple[Float, Float, Float]:
    """M-step: weights, means and covariances of a family from expected sums, plus `floor` on every variance.

    A component that explains nothing becomes the Gaussian of the whole picture with a weight of nearly 0: from there
    it can still take up whatever the others explain badly.

    Parameters
    ----------
    sums : ndarray, shape (K, F)
        As in `Evaluation`.
    floor : array_like, shape () or (D,)
        In squared units of the values.
    covariance_type : Covariance

    Returns
    -------
    weights, means, covariances : ndarray, shapes (K,), (K, D), (K, D, D)
        Standardised.
    """
    empty = sums[:, 0] < _MIN_PIXELS
    if empty.any():
        sums = np.where(empty[:, None], sums.sum(axis=0) * (_MIN_PIXELS / sums[:, 0].sum()), sums)
    D = dimension(sums.shape[1])
    pixels = sums[:, 0]
    each = sums / pixels[:, None]
    means = each[:, 1 : 1 + D]
    scatters = symmetric(each[:, 1 + D :], D) - means[:, :, None] * means[:, None, :]
    weights = pixels / pixels.sum()
    covariances = FAMILIES[covariance_type].estimate(weights, scatters)
    diagonal = np.arange(D)
    covariances[:, diagonal, diagonal] += np.asarray(floor) / SCALE**2
    return weights, means, covariances


def maximise(sums: Float, floor: ArrayLike = FLOOR, covariance_type: Covariance = Covariance.FULL) -> Mixture:
    """`estimate` as a mixture, in units of the values."""
    weights, means, covariances = estimate(sums, floor, covariance_type)
    return Mixture(weights, means * SCALE + CENTRE, covariances * SCALE**2, covariance_type)


def fit(
    values: NDArray[np.generic],
    counts: ArrayLike,
    start: Mixture,
    *,
    tolerance: float = 1e-3,
    max_iterations: int = 100,
    floor: ArrayLike = FLOOR,
    on_progress: Callable[[int, float], None] = lambda _iteration, _log_likelihood: None,
) -> Fit:
    """Plain EM until an iteration changes the likelihood by less than `tolerance`: the yardstick for `climbing.climb`.

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
    floor : array_like, shape () or (D,)
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
    floor: ArrayLike = FLOOR,
    on_progress: Callable[[int, float], None] = lambda _iteration, _log_likelihood: None,
) -> Fit:
    """The loop of `fit`, in the family of the start, on data that are expanded already."""
    theta, sums, history, converged = start.theta(), np.empty(0), list[float](), False
    for iteration in range(1, max_iterations + 1):
        found = evaluate(theta, data)
        sums = found.sums
        history.append(found.log_likelihood)
        on_progress(iteration, found.log_likelihood)
        converged = iteration > 1 and abs(history[-1] - history[-2]) < tolerance
        if converged:
            break
        weights, means, covariances = estimate(sums, floor, start.covariance_type)
        theta = natural_parameters(np.log(weights), means, np.linalg.cholesky(covariances))
    return Fit(maximise(sums, floor, start.covariance_type), np.array(history), converged)
