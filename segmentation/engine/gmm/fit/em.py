"""Expectation-maximisation (EM; Dempster, Laird and Rubin, 1977) of Gaussian mixtures on values with counts.

An E-step at given natural parameters yields the log-likelihood and the expected sums of phi(x). From these sums the M-step
follows in closed form.
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
"""Variance of the rounding error of an integer (Sheppard, 1898), added to every variance after each M-step."""

_MIN_PIXELS = 1e-9  # a component with fewer expected pixels is replaced
_MAX_EXPANDED = 10 * 2**20  # numbers; monomials of up to 80 MB are kept between E-steps


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Values with counts, and their monomials, which are computed once unless they would need too much memory."""

    values: NDArray[np.generic]  # (n, D)
    counts: Float  # (n,)
    phi: Float | None  # (F, n); None when there are too many
    precision: type[np.floating]  # of the exponentials in E-steps, see `densities.posterior`

    @classmethod
    def of(cls, values: NDArray[np.generic], counts: ArrayLike, *, single_precision: bool = False) -> "Data":
        """Return the data of values (n, D) that occur `counts` (n,) times.

        With `single_precision`, E-steps compute their exponentials in single precision.
        """
        phi = expand(values) if len(values) * n_monomials(values.shape[1]) <= _MAX_EXPANDED else None
        return cls(values, np.asarray(counts, dtype=np.float64), phi, np.float32 if single_precision else np.float64)

    @property
    def dimension(self) -> int:
        """Number of features, D."""
        return int(self.values.shape[1])

    @property
    def is_exact(self) -> bool:
        """Whether products of phi with parameters from `densities.exact_parameters` are exact."""
        return self.values.dtype == np.uint8

    def standardised(self) -> Float:
        """Return the values, standardised as in `monomials.expand`, shape (D, n)."""
        phi = expand(self.values) if self.phi is None else self.phi
        return phi[1 : 1 + self.dimension]

    def parts(self, n_components: int) -> Iterator[tuple[Float, Float]]:
        """Yield phi (F, m) and counts (m,), block by block."""
        for block in blocks(len(self.counts), n_components, n_monomials(self.dimension)):
            yield expand(self.values[block]) if self.phi is None else self.phi[:, block], self.counts[block]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """The result of an E-step."""

    log_likelihood: float  # mean nats per pixel
    sums: Float  # (K, F): sums of phi(x), weighted with counts and responsibilities


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """The result of EM or of its quasi-Newton acceleration."""

    mixture: Mixture
    history: Float  # mean log-likelihood after each E-step
    converged: bool
    # Best mixture after each E-step, as `parameters.pack` returns it.
    path: Float = field(default_factory=lambda: np.empty((0, 0)))

    @property
    def log_likelihood(self) -> float:
        """Mean log-likelihood at the last E-step, nats per pixel."""
        return float(self.history[-1])


def evaluate(theta: Float, data: Data) -> Evaluation:
    """Return the log-likelihood and the expected sums of one E-step, accumulated block by block.

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
    """Return the sums (K, F) of phi(x), weighted with counts and the given memberships (K, n)."""
    sums, begin = np.zeros((len(members), n_monomials(data.dimension))), 0
    for phi, counts in data.parts(len(members)):
        end = begin + len(counts)
        sums += (members[:, begin:end] * counts) @ phi.T
        begin = end
    return sums


def estimate(
    sums: Float, floor: ArrayLike = FLOOR, covariance_type: Covariance = Covariance.FULL
) -> tuple[Float, Float, Float]:
    """Return weights, means and covariances of an M-step, with `floor` added to every variance.

    A component with nearly no expected pixels is replaced by the Gaussian of all data with a weight of nearly 0. From there
    it can grow again where the others fit badly.

    Parameters
    ----------
    sums : ndarray, shape (K, F)
        As in `Evaluation`.
    floor : array_like, shape () or (D,)
        In squared units of the features.
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
    """Return the mixture of an M-step, in units of the features; parameters as in `estimate`."""
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
    """Fit a mixture by plain EM, until an iteration changes the log-likelihood by less than `tolerance`.

    Tests and benchmarks compare `quasi_newton.quasi_newton_em` with it.

    Parameters
    ----------
    values : ndarray, shape (n, D)
        In units of the features.
    counts : array_like, shape (n,)
        How often each value occurs, above 0.
    start : Mixture
    tolerance : float
        Mean nats per pixel.
    max_iterations : int
        At least 1.
    floor : array_like, shape () or (D,)
        Added to each variance after each M-step, in squared units of the features.
    on_progress : callable
        Called after each E-step with the number of E-steps and the mean log-likelihood.

    Returns
    -------
    Fit
        Its mixture is that of an M-step after the last E-step.
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
    """Iterate EM from a mixture, in its covariance family; parameters and result as in `fit`."""
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
