"""EM with squared extrapolation: SQUAREM, scheme S3 (Varadhan and Roland, 2008).

Two EM steps show the direction and the rate of progress; a step of several times their length follows. Points are
vectors without constraints (log weights, means, Cholesky factors with logarithmic diagonal), so that every extrapolated
one is a mixture.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from segmentation.engine.gmm.densities import natural
from segmentation.engine.gmm.em import FLOOR, Data, Fit, estimate, evaluate, maximise
from segmentation.engine.gmm.mixture import Mixture
from segmentation.engine.gmm.monomials import CENTRE, SCALE, Float, dimension, triangle
from segmentation.engine.recipe import Covariance

_WIDEST = 1024.0  # standard deviation of a whole picture, with room to spare

USUAL_EVALUATIONS = 15
"""Most fits need 10 to 40."""

GROWTH = 4.0
"""The longest step allowed at first, and by how much that grows when it was good and shrinks when it was not."""


def pack(weights: Float, means: Float, covariances: Float) -> Float:
    """A mixture (K,), (K, D), (K, D, D), standardised, as an unconstrained vector (K (1 + D + D (D + 1) / 2),)."""
    D = means.shape[1]
    factors = np.linalg.cholesky(covariances)
    diagonal = np.arange(D)
    factors[:, diagonal, diagonal] = np.log(factors[:, diagonal, diagonal])
    rows, columns = triangle(D)
    return np.column_stack([np.log(weights), means, factors[:, columns, rows]]).ravel()


def unpack(point: Float, n_components: int, floor: ArrayLike) -> tuple[Float, Float, Float]:
    """Log weights (K,), means (K, D) and Cholesky factors (K, D, D) at a vector of `pack`, standardised.

    The weights are normalised, the factors kept above the floor and below any picture's width.
    """
    rows = point.reshape(n_components, -1)
    D = dimension(rows.shape[1])
    log_weights = rows[:, 0] - rows[:, 0].max()
    log_weights -= np.log(np.exp(log_weights).sum())
    factors = np.zeros((n_components, D, D))
    above, left = triangle(D)
    factors[:, left, above] = rows[:, 1 + D :]
    diagonal = np.arange(D)
    narrowest, widest = np.log(floor) / 2 - np.log(SCALE), np.log(_WIDEST / SCALE)
    factors[:, diagonal, diagonal] = np.exp(np.clip(factors[:, diagonal, diagonal], narrowest, widest))
    return log_weights, rows[:, 1 : 1 + D], factors


def natural_at(point: Float, n_components: int, floor: ArrayLike) -> Float:
    """Natural parameters (K, F) at a vector of `pack`."""
    return natural(*unpack(point, n_components, floor))


def mixture_at(point: Float, n_components: int, floor: ArrayLike, covariance_type: Covariance) -> Mixture:
    """The mixture at a vector of `pack`, which is its inverse but for the limits."""
    log_weights, means, factors = unpack(point, n_components, floor)
    weights = np.maximum(np.exp(log_weights), np.finfo(np.float64).tiny)
    covariances = np.einsum("kil,kjl->kij", factors, factors) * SCALE**2
    return Mixture(weights, means * SCALE + CENTRE, covariances, covariance_type)


def leap(origin: Float, first: Float, second: Float, longest: float) -> tuple[Float, float]:
    """Extrapolate along two EM steps.

    With r = first - origin, v = second - 2 first + origin and length a = |r| / |v| (scheme S3), cut to 1 .. `longest`,
    the point is origin + 2 a r + a^2 v; a = 1 is the second EM point itself.

    Returns
    -------
    point : ndarray
    length : float
    """
    step = first - origin
    bend = second - first - step
    curvature = float(np.linalg.norm(bend))
    wanted = float(np.linalg.norm(step)) / curvature if curvature > 0 else 1.0
    length = min(max(wanted, 1.0), longest)
    return origin + 2 * length * step + length**2 * bend, length


@dataclass(slots=True)
class _Walk:
    """The best of the points evaluated so far, and the record of how it came about."""

    data: Data
    start: Mixture
    floor: ArrayLike
    on_evaluation: Callable[[int, float], None]
    history: list[float] = field(default_factory=list)
    path: list[Float] = field(default_factory=list)
    best: Float = field(default_factory=lambda: np.empty(0))

    def visit(self, point: Float) -> tuple[float, Float]:
        """Evaluate a point: its log-likelihood, and where an EM step leads from there."""
        found = evaluate(natural_at(point, self.start.n_components, self.floor), self.data)
        if not self.history or found.log_likelihood > self.history[-1]:
            self.best = found.sums
            self.history.append(found.log_likelihood)
            self.path.append(point)
        else:
            self.history.append(self.history[-1])
            self.path.append(self.path[-1])
        self.on_evaluation(len(self.history), self.history[-1])
        return found.log_likelihood, pack(*estimate(found.sums, self.floor, self.start.covariance_type))

    def end(self, *, converged: bool) -> Fit:
        mixture = maximise(self.best, self.floor, self.start.covariance_type)
        return Fit(mixture, np.array(self.history), converged, np.array(self.path))


def done(evaluations: int) -> float:
    """The share of a climb that so many evaluations usually are, below 1: nobody knows before."""
    return evaluations / (evaluations + USUAL_EVALUATIONS)


def climb(
    data: Data,
    start: Mixture,
    *,
    tolerance: float,
    patience: int = 2,
    max_evaluations: int = 40,
    floor: ArrayLike = FLOOR,
    on_evaluation: Callable[[int, float], None] = lambda _evaluations, _log_likelihood: None,
) -> Fit:
    """Accelerated EM until `patience` cycles in a row change the likelihood by less than `tolerance`.

    A cycle is two EM steps, a leap, and the EM step that follows it. A leap that lands lower than the first EM step is
    undone, and the second EM point taken instead.

    The floor is no part of the likelihood, so near narrow components an EM step may lose a little before others gain
    more: the walk goes on, and the best of all points is the result.

    Parameters
    ----------
    data : Data
    start : Mixture
    tolerance : float
        Mean nats per pixel and cycle.
    patience : int
        One calm cycle is no proof: plateaus of EM have been seen to end.
    max_evaluations : int
        At least 1.
    floor : array_like
        As in `em.maximise`.
    on_evaluation : callable
        Told the number of evaluations and the best mean log-likelihood after each.

    Returns
    -------
    Fit
        `history` has the best log-likelihood after each evaluation, `path` where it was found; the mixture is one M-step
        past the best point.
    """
    walk = _Walk(data, start, floor, on_evaluation)
    point, longest, calm = pack(start.weights, (start.means - CENTRE) / SCALE, start.covariances / SCALE**2), GROWTH, 0
    before, first = walk.visit(point)
    while calm < patience and len(walk.history) + 3 <= max_evaluations:
        level, second = walk.visit(first)
        far, length = leap(point, first, second, longest)
        landed, beyond = walk.visit(far)
        accepted = landed >= level
        if not accepted:
            longest = max(longest / GROWTH, 1.0)
        elif length == longest:
            longest *= GROWTH
        point = beyond if accepted else second
        after, first = walk.visit(point)
        calm = calm + 1 if abs(after - before) < tolerance else 0
        before = after
    return walk.end(converged=calm >= patience)
