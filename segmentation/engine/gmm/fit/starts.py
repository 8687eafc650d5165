"""Initialise EM: k-means++ with a surplus of components, a few EM steps, then mergers down to the wanted number.

EM finds a local optimum that depends on its initialisation. A surplus of components finds more of the structure of a picture,
and merging keeps the part that contributes most to the likelihood (compare split-and-merge EM; Ueda, Nakano, Ghahramani and
Hinton, 2000). With twice the number of components, one such initialisation gives better optima than three k-means++
initialisations at the same cost. A second one, from the best mixture and as many new components, is better than two
independent ones.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from segmentation.engine.gmm.fit.em import FLOOR, Data, Fit, iterate, maximise, weighted_moments
from segmentation.engine.gmm.fit.merging import concatenate, merge_cheapest
from segmentation.engine.gmm.fit.quasi_newton import fraction_done, quasi_newton_em
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import Float
from segmentation.engine.progress import OnFraction, ignore_progress, subrange
from segmentation.engine.recipe import Covariance

DEFAULT_STARTS = 2
SURPLUS = 2  # times the wanted number of components
LLOYD_STEPS = 3
EM_STEPS = 6  # EM steps before the first merger
MERGE_STEPS = 1  # EM steps after each merger
COMPARISON_TOLERANCE = 1e-4  # mean nats per step; tolerance of the fits that are compared


def kmeans_plus_plus(values: Float, counts: Float, n_centres: int, rng: np.random.Generator) -> Float:
    """Return initial centres by greedy k-means++ (Arthur and Vassilvitskii, 2007).

    Each centre is drawn from the values with a probability proportional to the squared distance from the nearest centre so far.
    Of several draws the one that leaves the smallest sum of squared distances is kept.

    Parameters
    ----------
    values : ndarray, shape (D, n)
        With at least `n_centres` distinct values.
    counts : ndarray, shape (n,)
    n_centres : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, shape (D, n_centres)
    """
    n_candidates = 2 + int(np.log(n_centres))
    chosen = _draw(counts, 1, rng)
    nearest = _squared_distances(values, values[:, chosen])[0]
    for _ in range(n_centres - 1):
        candidates = _draw(counts * nearest, n_candidates, rng)
        distances = np.minimum(_squared_distances(values, values[:, candidates]), nearest)
        best = int((distances * counts).sum(axis=1).argmin())
        chosen = np.append(chosen, candidates[best])
        nearest = distances[best]
    return values[:, chosen]


def lloyd(values: Float, counts: Float, centres: Float, n_steps: int) -> Float:
    """Run k-means by Lloyd's algorithm (1982) and return the memberships (K, n), 0 or 1, after the last step.

    A centre without values keeps its position.
    """
    members = _members(values, centres)
    for _ in range(n_steps):
        pixels = (members * counts).sum(axis=1)
        moved = (values * counts) @ members.T / np.maximum(pixels, 1.0)
        centres = np.where(pixels > 0, moved, centres)
        members = _members(values, centres)
    return members


def kmeans_start(
    data: Data,
    n_components: int,
    rng: np.random.Generator,
    floor: ArrayLike = FLOOR,
    covariance_type: Covariance = Covariance.FULL,
) -> Mixture:
    """Return the Gaussians of k-means clusters: k-means++, then Lloyd's algorithm, then an M-step."""
    values = data.standardised()
    members = lloyd(values, data.counts, kmeans_plus_plus(values, data.counts, n_components, rng), LLOYD_STEPS)
    return maximise(weighted_moments(members, data), floor, covariance_type)


def best_start(
    data: Data,
    n_components: int,
    rng: np.random.Generator,
    *,
    n_starts: int = DEFAULT_STARTS,
    floor: ArrayLike = FLOOR,
    covariance_type: Covariance = Covariance.FULL,
    on_fraction: OnFraction = ignore_progress,
) -> Mixture:
    """Return the initialisation with the largest likelihood after a short fit; on a tie the first.

    The first one is merged down from k-means++ with a surplus of components, each further one from the best mixture so far
    together with as many new components.

    Parameters
    ----------
    data : Data
        With at least `n_components` distinct values.
    n_components : int
    rng : numpy.random.Generator
    n_starts : int
    floor, covariance_type
        As in `em.maximise`.
    on_fraction : callable
        Called after every E-step with the fraction of the work that is done, up to 1.
    """
    surplus = min(SURPLUS * n_components, len(data.counts))
    first = kmeans_start(data, surplus, rng, floor, covariance_type)
    if n_starts == 1:
        return _merge_down(data, first, n_components, floor, on_fraction)  # without a fit, as nothing is compared

    def merge_and_fit(number: int, surplus_mixture: Mixture) -> Fit:
        on_start = subrange(on_fraction, number / n_starts, (number + 1) / n_starts)
        return _merge_and_fit(data, surplus_mixture, n_components, floor, on_start)

    best = merge_and_fit(0, first)
    for number in range(1, n_starts):
        fresh = kmeans_start(data, n_components, rng, floor, covariance_type)
        candidate = merge_and_fit(number, concatenate(best.mixture, fresh))
        best = max(best, candidate, key=lambda run: run.log_likelihood)
    on_fraction(1.0)
    return best.mixture


def _merge_and_fit(data: Data, mixture: Mixture, n_components: int, floor: ArrayLike, on_fraction: OnFraction) -> Fit:
    """Merge down to the wanted number of components, then fit until the likelihood can be compared."""
    return quasi_newton_em(
        data,
        _merge_down(data, mixture, n_components, floor, subrange(on_fraction, 0, 0.6)),
        tolerance=COMPARISON_TOLERANCE,
        floor=floor,
        on_evaluation=lambda evaluations, _: on_fraction(0.6 + 0.4 * fraction_done(evaluations)),
    )


def _merge_down(data: Data, mixture: Mixture, n_components: int, floor: ArrayLike, on_fraction: OnFraction) -> Mixture:
    """Merge components one pair at a time down to the wanted number, with EM steps in between."""
    mergers = mixture.n_components - n_components
    evaluations, total = 0, EM_STEPS + mergers * MERGE_STEPS

    def on_step(_iteration: int, _log_likelihood: float) -> None:
        nonlocal evaluations
        evaluations += 1
        on_fraction(evaluations / total)

    for n_steps in [EM_STEPS, *[MERGE_STEPS] * mergers]:
        run = iterate(data, mixture, tolerance=0.0, max_iterations=n_steps, floor=floor, on_progress=on_step)
        mixture = run.mixture if run.mixture.n_components == n_components else merge_cheapest(run.mixture)
    return mixture


def _members(values: Float, centres: Float) -> Float:
    """Return memberships (K, n), 1 for the nearest centre of each value and 0 for the others; on a tie the first."""
    nearest = _squared_distances(values, centres).argmin(axis=0)
    members: Float = np.equal(nearest, np.arange(centres.shape[1])[:, None]).astype(np.float64)
    return members


def _draw(weights: Float, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return n indices drawn with probabilities proportional to the weights, at least one of which is above 0."""
    cumulative = np.cumsum(weights)
    drawn: NDArray[np.intp] = np.searchsorted(cumulative, (1 - rng.random(n)) * cumulative[-1], side="left")
    return drawn


def _squared_distances(values: Float, centres: Float) -> Float:
    """Return the squared distances (K, n) between values (D, n) and centres (D, K); exactly 0 where they are equal."""
    squares: Float = (values[0] - centres[0][:, None]) ** 2
    for value, centre in zip(values[1:], centres[1:], strict=True):
        squares += (value - centre[:, None]) ** 2
    return squares
