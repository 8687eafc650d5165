"""EM that learns the curvature as it goes: a quasi-Newton climb (Lange, 1995; Jamshidian and Jennrich, 1997).

EM steps lead upwards, but fall short along whatever overlapping components can trade. In the coordinates of a `Chart` a
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
from segmentation.engine.gmm.fit.parameters import Chart, vector
from segmentation.engine.gmm.mixture.densities import exact, natural
from segmentation.engine.gmm.mixture.mixture import Mixture, quantise
from segmentation.engine.gmm.mixture.monomials import Float

USUAL_EVALUATIONS = 10
"""Most fits need 5 to 20."""

REMEMBERED = 8
"""Steps whose curvature is remembered."""

FLATTEST = 0.01
"""Curvature, of 1 without overlap, below which a step tells nothing: there rounding and the floor tell as much."""

LONGER, LONGEST = 2.0, 50.0
"""How many times the EM step the first other step may be, and by how much that grows when a step was good; the most."""

FINEST = 2.0**-16
"""Points are whole multiples of it. Off by as much in all of its numbers, a mixture loses less than 1e-8 nats."""

YIELDING = 1e-4
"""Nats by which a step may lead lower if the gradient becomes shorter: EM with a floor ends beside the highest point."""

FALLS = 2
"""If a step leads lower by more, and then the EM step, too, only the floor can be the reason: there is nothing above."""


class Curvature:
    """What the last steps tell of the likelihood's second derivatives: limited-memory BFGS (Nocedal, 1980)."""

    def __init__(self) -> None:
        self._steps: deque[tuple[Float, Float, float]] = deque(maxlen=REMEMBERED)

    def learn(self, step: Float, change: Float) -> None:
        """Take a step, and by how much the gradient fell along it."""
        bend = float(step @ change)
        if bend > FLATTEST * float(step @ step):
            self._steps.append((step, change, bend))

    def newton(self, gradient: Float) -> Float:
        """The step to where the gradient would vanish, were the curvature what it seems."""
        step, shares = gradient.copy(), list[float]()
        for taken, change, bend in reversed(self._steps):
            shares.append(float(taken @ step) / bend)
            step -= shares[-1] * change
        for (taken, change, bend), share in zip(self._steps, reversed(shares), strict=True):
            step += (share - float(change @ step) / bend) * taken
        return step


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """A point that was evaluated."""

    point: Float
    log_likelihood: float
    sums: Float
    gradient: Float  # the EM step from there

    def leads_on_from(self, other: Self) -> bool:
        """Whether it is higher, or nearer to where EM ends and hardly lower."""
        gain = self.log_likelihood - other.log_likelihood
        return gain > 0 or (gain > -YIELDING and np.linalg.norm(self.gradient) < np.linalg.norm(other.gradient))


@dataclass(slots=True)
class _Walk:
    """Evaluates points, and keeps the record of the best ones."""

    data: Data
    start: Mixture
    floor: ArrayLike
    on_evaluation: Callable[[int, float], None]
    chart: Chart = field(init=False)
    history: list[float] = field(default_factory=list)
    path: list[Float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chart = Chart(self.start, self.floor)

    def visit(self, point: Float) -> _Place:
        point = quantise(point, FINEST)
        gaussians = self.chart.gaussians(point)
        theta = natural(*gaussians)
        found = evaluate(exact(theta) if self.data.is_exact else theta, self.data)
        if not self.history or found.log_likelihood > self.history[-1]:
            self.history.append(found.log_likelihood)
            self.path.append(vector(gaussians))
        else:
            self.history.append(self.history[-1])
            self.path.append(self.path[-1])
        self.on_evaluation(len(self.history), self.history[-1])
        beyond = self.chart.place(*estimate(found.sums, self.floor, self.start.covariance_type))
        return _Place(point, found.log_likelihood, found.sums, beyond - point)


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
    walk, curvature = _Walk(data, start, floor, on_evaluation), Curvature()
    here = walk.visit(walk.chart.origin)
    step, longest, calm, falls = here.gradient, LONGER, 0, 0
    while True:
        calm = calm + 1 if here.gradient @ step / 2 < tolerance else 0
        converged = calm >= patience or falls == FALLS
        if converged or len(walk.history) >= max_evaluations:
            break
        reached = walk.visit(here.point + step)
        curvature.learn(reached.point - here.point, here.gradient - reached.gradient)
        if reached.leads_on_from(here):
            here, longest, falls = reached, min(longest * LONGER, LONGEST), 0
            step = _at_most(curvature.newton(here.gradient), longest, here.gradient)
        else:
            step, longest, falls = here.gradient, max(longest / LONGER**2, 1.0), falls + 1
    mixture = maximise(here.sums, floor, start.covariance_type)
    return Fit(mixture, np.array(walk.history), converged, np.array(walk.path))


def _at_most(step: Float, times: float, other: Float) -> Float:
    """A step, or what is as long as another so many times, if that is shorter."""
    longest = times * float(np.linalg.norm(other))
    length = float(np.linalg.norm(step))
    return step if length <= longest else step * (longest / length)
