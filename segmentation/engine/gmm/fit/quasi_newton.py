"""Quasi-Newton acceleration of EM (Lange, 1995; Jamshidian and Jennrich, 1997) with limited-memory BFGS (L-BFGS).

EM increases the likelihood but converges slowly where components overlap. In the coordinates of `LocalCoordinates` an EM step
is the gradient of the log-likelihood. L-BFGS estimates the curvature from the changes of this gradient, and turns it into an
approximate Newton step. The first step is the EM step.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from segmentation.engine.gmm.fit.em import FLOOR, Data, Fit, estimate, evaluate, maximise
from segmentation.engine.gmm.fit.parameters import LocalCoordinates, pack_gaussians
from segmentation.engine.gmm.mixture.densities import exact_parameters, natural_parameters
from segmentation.engine.gmm.mixture.mixture import Mixture, quantise
from segmentation.engine.gmm.mixture.monomials import Float

USUAL_EVALUATIONS = 10
"""Typical number of evaluations, for estimates of progress; most fits need 5 to 20."""

MEMORY = 8
"""Number of steps that L-BFGS stores."""

MIN_CURVATURE = 0.01
"""Smallest curvature along a step that is stored. It is 1 for components that do not overlap; smaller values than this are
dominated by rounding errors and by the variance floor."""

STEP_GROWTH, MAX_STEP_RATIO = 2.0, 50.0
"""The limit of a step's length relative to the EM step begins at the first number, grows by it after each successful step,
and is at most the second number."""

POINT_QUANTUM = 2.0**-16
"""Points are rounded to integer multiples of this, which changes the log-likelihood by less than 1e-8 nats."""

LOSS_TOLERANCE = 1e-4
"""Decrease of the log-likelihood, in nats, that is accepted when the gradient becomes shorter. EM with a variance floor does
not converge to the maximum of the likelihood, but to a point near it."""

MAX_FAILED_STEPS = 2
"""Rejected steps that end the fit: when the quasi-Newton step and then the EM step decrease the likelihood, the variance
floor prevents any increase."""


class LimitedMemoryBFGS:
    """An approximation of the inverse Hessian from the last steps (L-BFGS; Nocedal, 1980), with the identity as first guess."""

    def __init__(self) -> None:
        self._steps: deque[tuple[Float, Float, float]] = deque(maxlen=MEMORY)

    def update(self, step: Float, change: Float) -> None:
        """Store a step and the decrease of the gradient along it, if the curvature along the step is large enough."""
        curvature_along = float(step @ change)
        if curvature_along > MIN_CURVATURE * float(step @ step):
            self._steps.append((step, change, curvature_along))

    def direction(self, gradient: Float) -> Float:
        """Return the quasi-Newton step for a gradient, by the two-loop recursion (Nocedal and Wright, 2006, algorithm 7.4)."""
        step, alphas = gradient.copy(), list[float]()
        for past_step, change, curvature_along in reversed(self._steps):
            alphas.append(float(past_step @ step) / curvature_along)
            step -= alphas[-1] * change
        for (past_step, change, curvature_along), alpha in zip(self._steps, reversed(alphas), strict=True):
            step += (alpha - float(change @ step) / curvature_along) * past_step
        return step


@dataclass(frozen=True, slots=True, eq=False)
class _Evaluated:
    """A point with the result of its E-step."""

    point: Float
    log_likelihood: float
    sums: Float  # (K, F), as in `em.Evaluation`
    gradient: Float  # the EM step from this point

    def improves_on(self, other: Self) -> bool:
        """Return whether the log-likelihood is larger, or hardly smaller with a shorter gradient."""
        gain = self.log_likelihood - other.log_likelihood
        return gain > 0 or (gain > -LOSS_TOLERANCE and np.linalg.norm(self.gradient) < np.linalg.norm(other.gradient))


@dataclass(slots=True)
class _Evaluator:
    """Evaluates points, and records the best log-likelihood and mixture after each evaluation."""

    data: Data
    start: Mixture
    floor: ArrayLike
    on_evaluation: Callable[[int, float], None]
    coordinates: LocalCoordinates = field(init=False)
    history: list[float] = field(default_factory=list)
    path: list[Float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.coordinates = LocalCoordinates(self.start, self.floor)

    def evaluate_at(self, point: Float) -> _Evaluated:
        point = quantise(point, POINT_QUANTUM)
        gaussians = self.coordinates.gaussians(point)
        theta = natural_parameters(*gaussians)
        evaluation = evaluate(exact_parameters(theta) if self.data.is_exact else theta, self.data)
        if not self.history or evaluation.log_likelihood > self.history[-1]:
            self.history.append(evaluation.log_likelihood)
            self.path.append(pack_gaussians(gaussians))
        else:
            self.history.append(self.history[-1])
            self.path.append(self.path[-1])
        self.on_evaluation(len(self.history), self.history[-1])
        after_em = self.coordinates.of_mixture(*estimate(evaluation.sums, self.floor, self.start.covariance_type))
        return _Evaluated(point, evaluation.log_likelihood, evaluation.sums, after_em - point)


def fraction_done(evaluations: int) -> float:
    """Return an estimate of the fraction of a fit that is done after so many evaluations; always below 1."""
    return evaluations / (evaluations + USUAL_EVALUATIONS)


def quasi_newton_em(
    data: Data,
    start: Mixture,
    *,
    tolerance: float,
    patience: int = 2,
    max_evaluations: int = 40,
    floor: ArrayLike = FLOOR,
    on_evaluation: Callable[[int, float], None] = lambda _evaluations, _log_likelihood: None,
) -> Fit:
    """Fit a mixture until `patience` steps in a row have an expected gain below `tolerance`, or no step is accepted.

    A step that decreases the log-likelihood is rejected, and the EM step is tried instead. That step decreases it only because
    of the variance floor, which is not part of the likelihood.

    Rounding errors, in which processors differ, would grow from step to step. Therefore all points are rounded to multiples of
    `POINT_QUANTUM`, and for 8-bit values E-steps use parameters whose products are exact (`densities.exact_parameters`), as
    labelling does.

    Parameters
    ----------
    data : Data
    start : Mixture
    tolerance : float
        Mean nats per pixel.
    patience : int
        Steps below the tolerance, one after the other, that end the fit; EM can leave a plateau after one such step.
    max_evaluations : int
        At least 1.
    floor : array_like
        As in `em.maximise`.
    on_evaluation : callable
        Called after each evaluation with the number of evaluations and the best mean log-likelihood.

    Returns
    -------
    Fit
        `history` is the best log-likelihood after each evaluation, `path` the mixture with it; `mixture` is the result of an
        M-step at the last accepted point.
    """
    evaluator, curvature = _Evaluator(data, start, floor, on_evaluation), LimitedMemoryBFGS()
    current = evaluator.evaluate_at(evaluator.coordinates.origin)
    step, max_ratio, small_gains, failed_steps = current.gradient, STEP_GROWTH, 0, 0
    while True:
        small_gains = small_gains + 1 if current.gradient @ step / 2 < tolerance else 0
        converged = small_gains >= patience or failed_steps == MAX_FAILED_STEPS
        if converged or len(evaluator.history) >= max_evaluations:
            break
        trial = evaluator.evaluate_at(current.point + step)
        curvature.update(trial.point - current.point, current.gradient - trial.gradient)
        if trial.improves_on(current):
            current, max_ratio, failed_steps = trial, min(max_ratio * STEP_GROWTH, MAX_STEP_RATIO), 0
            step = _limit_length(curvature.direction(current.gradient), max_ratio, current.gradient)
        else:
            step, max_ratio, failed_steps = current.gradient, max(max_ratio / STEP_GROWTH**2, 1.0), failed_steps + 1
    mixture = maximise(current.sums, floor, start.covariance_type)
    return Fit(mixture, np.array(evaluator.history), converged, np.array(evaluator.path))


def _limit_length(step: Float, ratio: float, reference: Float) -> Float:
    """Return a step, shortened to `ratio` times the length of a reference step if it is longer."""
    longest = ratio * float(np.linalg.norm(reference))
    length = float(np.linalg.norm(step))
    return step if length <= longest else step * (longest / length)
