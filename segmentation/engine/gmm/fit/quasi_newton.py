"""EM that learns the curvature as it goes: a quasi-Newton climb (Lange, 1995; Jamshidian and Jennrich, 1997).

EM steps lead upwards, but fall short along whatever overlapping components can trade. In the coordinates of a `LocalCoordinates` a
step of EM is the gradient; how it changes from point to point tells the curvature, and with that it becomes a step of
Newton's. Before anything is known, that is the EM step itself.
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
"""Most fits need 5 to 20."""

MEMORY = 8
"""Steps whose curvature is remembered."""

MIN_CURVATURE = 0.01
"""Curvature, of 1 without overlap, below which a step tells nothing: there rounding and the floor tell as much."""

STEP_GROWTH, MAX_STEP_RATIO = 2.0, 50.0
"""How many times the EM step the first other step may be, and by how much that grows when a step was good; the most."""

POINT_QUANTUM = 2.0**-16
"""Points are whole multiples of it. Off by as much in all of its numbers, a mixture loses less than 1e-8 nats."""

LOSS_TOLERANCE = 1e-4
"""Nats by which a step may lead lower if the gradient becomes shorter: EM with a floor ends beside the highest point."""

MAX_FAILED_STEPS = 2
"""If a step leads lower by more, and then the EM step, too, only the floor can be the reason: there is nothing above."""


class LimitedMemoryBFGS:
    """What the last steps tell of the likelihood's second derivatives: limited-memory BFGS (Nocedal, 1980)."""

    def __init__(self) -> None:
        self._steps: deque[tuple[Float, Float, float]] = deque(maxlen=MEMORY)

    def update(self, step: Float, change: Float) -> None:
        """Take a step, and by how much the gradient fell along it."""
        curvature_along = float(step @ change)
        if curvature_along > MIN_CURVATURE * float(step @ step):
            self._steps.append((step, change, curvature_along))

    def direction(self, gradient: Float) -> Float:
        """The step to where the gradient would vanish, were the curvature what it seems."""
        step, alphas = gradient.copy(), list[float]()
        for past_step, change, curvature_along in reversed(self._steps):
            alphas.append(float(past_step @ step) / curvature_along)
            step -= alphas[-1] * change
        for (past_step, change, curvature_along), alpha in zip(self._steps, reversed(alphas), strict=True):
            step += (alpha - float(change @ step) / curvature_along) * past_step
        return step


@dataclass(frozen=True, slots=True, eq=False)
class _Evaluated:
    """A point that was evaluated."""

    point: Float
    log_likelihood: float
    sums: Float
    gradient: Float  # the EM step from there

    def improves_on(self, other: Self) -> bool:
        """Whether it is higher, or nearer to where EM ends and hardly lower."""
        gain = self.log_likelihood - other.log_likelihood
        return gain > 0 or (gain > -LOSS_TOLERANCE and np.linalg.norm(self.gradient) < np.linalg.norm(other.gradient))


@dataclass(slots=True)
class _Climb:
    """Evaluates points, and keeps the record of the best ones."""

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
    """The share of a climb that so many evaluations usually are, below 1: nobody knows before."""
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
    """Climb until `patience` steps in a row promise to gain less than `tolerance`, or none leads higher.

    A step that leads lower is undone, and the EM step taken instead. Only the floor, which is no part of the likelihood,
    makes that lead lower, too.

    A climb magnifies the last bits in which processors differ, up to branching off. So these end at each step: points are
    whole multiples of a small number, the first one included, and with values of 8 bits an E-step sees parameters whose
    products are free of rounding, the same that labels will be made with.

    Parameters
    ----------
    data : Data
    start : Mixture
    tolerance : float
        Mean nats per pixel.
    patience : int
        One calm step is no proof: plateaus of EM have been seen to end.
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
        past the last point.
    """
    climb, curvature = _Climb(data, start, floor, on_evaluation), LimitedMemoryBFGS()
    current = climb.evaluate_at(climb.coordinates.origin)
    step, max_ratio, small_gains, failed_steps = current.gradient, STEP_GROWTH, 0, 0
    while True:
        small_gains = small_gains + 1 if current.gradient @ step / 2 < tolerance else 0
        converged = small_gains >= patience or failed_steps == MAX_FAILED_STEPS
        if converged or len(climb.history) >= max_evaluations:
            break
        candidate = climb.evaluate_at(current.point + step)
        curvature.update(candidate.point - current.point, current.gradient - candidate.gradient)
        if candidate.improves_on(current):
            current, max_ratio, failed_steps = candidate, min(max_ratio * STEP_GROWTH, MAX_STEP_RATIO), 0
            step = _limit_length(curvature.direction(current.gradient), max_ratio, current.gradient)
        else:
            step, max_ratio, failed_steps = current.gradient, max(max_ratio / STEP_GROWTH**2, 1.0), failed_steps + 1
    mixture = maximise(current.sums, floor, start.covariance_type)
    return Fit(mixture, np.array(climb.history), converged, np.array(climb.path))


def _limit_length(step: Float, times: float, other: Float) -> Float:
    """A step, or what is as long as another so many times, if that is shorter."""
    max_ratio = times * float(np.linalg.norm(other))
    length = float(np.linalg.norm(step))
    return step if length <= max_ratio else step * (max_ratio / length)
