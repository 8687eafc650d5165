"""EM with squared extrapolation: SQUAREM, scheme S3 (Varadhan and Roland, 2008).

Two EM steps show the direction and the rate of progress; a step of several times their length follows. Points are
vectors without constraints (log weights, means, Cholesky factors with logarithmic diagonal), so that every extrapolated
one is a mixture.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from segmentation.engine.gmm.densities import natural
from segmentation.engine.gmm.em import FLOOR, Data, Fit, evaluate, maximise
from segmentation.engine.gmm.features import CENTRE, SCALE, Float, dimension
from segmentation.engine.gmm.mixture import Mixture

GROWTH = 4.0
"""By how much the longest allowed step grows when it was good, and shrinks when it was not."""


def pack(mixture: Mixture) -> Float:
    """The mixture as an unconstrained vector (K (1 + D + D (D + 1) / 2),), standardised as in `features`."""
    D = mixture.means.shape[1]
    factors = np.linalg.cholesky(mixture.covariances / SCALE**2)
    diagonal = np.arange(D)
    factors[:, diagonal, diagonal] = np.log(factors[:, diagonal, diagonal])
    means = (mixture.means - CENTRE) / SCALE
    return np.column_stack([np.log(mixture.weights), means, factors[:, *np.tril_indices(D)]]).ravel()


def natural_at(point: Float, n_components: int, floor: float) -> Float:
    """Natural parameters (K, F) at a vector of `pack`; the weights are normalised, the factors kept above the floor."""
    rows = point.reshape(n_components, -1)
    D = dimension(rows.shape[1])
    log_weights = rows[:, 0] - rows[:, 0].max()
    log_weights -= np.log(np.exp(log_weights).sum())
    factors = np.zeros((n_components, D, D))
    factors[:, *np.tril_indices(D)] = rows[:, 1 + D :]
    diagonal = np.arange(D)
    narrowest, widest = np.log(floor) / 2 - np.log(SCALE), np.log(256 / SCALE)
    factors[:, diagonal, diagonal] = np.exp(np.clip(factors[:, diagonal, diagonal], narrowest, widest))
    return natural(log_weights, rows[:, 1 : 1 + D], factors)


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
    n_components: int
    floor: float
    on_evaluation: Callable[[int, float], None]
    history: list[float] = field(default_factory=list)
    best: Float = field(default_factory=lambda: np.empty(0))

    def visit(self, point: Float) -> tuple[float, Float]:
        """Evaluate a point: its log-likelihood, and where an EM step leads from there."""
        found = evaluate(natural_at(point, self.n_components, self.floor), self.data)
        if not self.history or found.log_likelihood > self.history[-1]:
            self.best = found.sums
            self.history.append(found.log_likelihood)
        else:
            self.history.append(self.history[-1])
        self.on_evaluation(len(self.history), self.history[-1])
        return found.log_likelihood, pack(maximise(found.sums, self.floor))


def climb(
    data: Data,
    start: Mixture,
    *,
    tolerance: float,
    patience: int = 2,
    max_evaluations: int = 40,
    floor: float = FLOOR,
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
    floor : float
        As in `em.maximise`.
    on_evaluation : callable
        Told the number of evaluations and the best mean log-likelihood after each.

    Returns
    -------
    Fit
        `history` has the best log-likelihood after each evaluation; the mixture is one M-step past the best point.
    """
    walk = _Walk(data, start.n_components, floor, on_evaluation)
    point, longest, calm = pack(start), 1.0, 0
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
    return Fit(maximise(walk.best, floor), np.array(walk.history), calm >= patience)
