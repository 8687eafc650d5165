"""A picture's pixels and a recipe in, a label map with its mixture and measurements out."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.gmm.colours import Colours, count
from segmentation.engine.gmm.em import Data, Fit
from segmentation.engine.gmm.features import Float
from segmentation.engine.gmm.labelling import judge, paint
from segmentation.engine.gmm.measure import Component, components, on_border
from segmentation.engine.gmm.mixture import Mixture
from segmentation.engine.gmm.sampling import thin
from segmentation.engine.gmm.squarem import climb
from segmentation.engine.gmm.starts import best_start
from segmentation.engine.progress import OnProgress, Stage
from segmentation.engine.recipe import Recipe

SAMPLE = 2**17
"""Pixels that the mixture is fitted to. p parameters from n pixels cost p / 2n nats, whatever the picture."""

FEW = 2**13
"""Pixels on which starts are tried and compared."""

ROUGH, FINE = 1e-4, 1e-5
"""Tolerances on the few pixels and on the sample, in mean nats per cycle; local optima differ by a thousand times that."""

MAX_EVALUATIONS = 100

USUAL_EVALUATIONS = 15
"""Most fits need 10 to 40. Nobody knows before, so progress is told as n / (n + this)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segmentation:
    """What `segment` returns."""

    labels: NDArray[np.uint8]  # (H, W): component of each pixel, 255 where there is no data
    mixture: Mixture  # components in ascending luminance of the mean; their index is the label
    log_likelihood: float  # mean nats per valid pixel, over all of them
    history: Float  # best mean log-likelihood on the sample after each evaluation of the fit; never falls
    iterations: int  # evaluations of EM on the sample, as many as `history` has entries
    converged: bool
    components: tuple[Component, ...]  # measured over all valid pixels, in the order of the labels
    distinct_colours: int
    valid_pixels: int
    seconds: dict[str, float]  # by the value of the stage


def segment(
    pixels: NDArray[np.uint8],
    recipe: Recipe,
    *,
    valid: NDArray[np.bool_] | None = None,
    on_progress: OnProgress | None = None,
) -> Segmentation:
    """Fit a Gaussian mixture to a picture's colours and label every pixel with its most probable component.

    The same pixels, mask and recipe give the same bytes, whatever the memory layout and the number of threads. Where
    pixels stand plays no part: a permuted picture gets permuted labels.

    Parameters
    ----------
    pixels : ndarray, shape (H, W, 3), uint8
        sRGB values in any memory layout.
    recipe : Recipe
        With more clusters than the picture has colours, there is one component a colour.
    valid : ndarray, shape (H, W), bool, or None
        Which pixels count; None means all.
    on_progress : callable or None
        Told the stage and its done fraction, which never falls. What it raises ends the computation.

    Raises
    ------
    SegmentationError
        Code ``empty``: no pixel counts.
    TypeError, ValueError
        The arrays are not of the stated types and shapes.
    """
    flat, mask = _flattened(pixels, valid)
    clock = _Clock(on_progress or _silent)
    with_progress = clock.begin(Stage.COUNTING)
    colours = count(flat, mask, with_progress)
    with_progress = clock.begin(Stage.FITTING)
    fit = fit_colours(colours, recipe, with_progress)
    mixture = fit.mixture.ordered()
    with_progress = clock.begin(Stage.LABELLING)
    judgement = judge(mixture, colours, lambda fraction: with_progress(fraction / 2))
    labels = paint(flat, mask, colours, judgement.labels, lambda fraction: with_progress((1 + fraction) / 2))
    labels = labels.reshape(pixels.shape[:2])
    measured = components(judgement.hard, judgement.soft, on_border(labels, mixture.n_components))
    clock.end()
    return Segmentation(
        labels=labels,
        mixture=mixture,
        log_likelihood=judgement.log_likelihood,
        history=fit.history,
        iterations=len(fit.history),
        converged=fit.converged,
        components=measured,
        distinct_colours=len(colours),
        valid_pixels=colours.pixels,
        seconds=clock.seconds,
    )


def fit_colours(colours: Colours, recipe: Recipe, on_fraction: Callable[[float], None] = lambda _: None) -> Fit:
    """Starts on a few pixels, then the climb on the sample."""
    rng = np.random.default_rng(recipe.seed)
    n_components = min(recipe.n_clusters, len(colours))
    sample = thin(colours, SAMPLE, rng)
    few = thin(sample, FEW, rng)
    data = Data.of(few.values(), few.counts)
    start = best_start(data, n_components, rng, on_fraction=lambda fraction: on_fraction(0.3 * fraction))
    start = climb(data, start, tolerance=ROUGH, max_evaluations=MAX_EVALUATIONS).mixture
    fit = climb(
        Data.of(sample.values(), sample.counts),
        start,
        tolerance=FINE,
        max_evaluations=MAX_EVALUATIONS,
        on_evaluation=lambda evaluations, _: on_fraction(0.3 + 0.7 * evaluations / (evaluations + USUAL_EVALUATIONS)),
    )
    on_fraction(1.0)
    return fit


def _flattened(
    pixels: NDArray[np.uint8], valid: NDArray[np.bool_] | None
) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None]:
    """Pixels (n, 3) and mask (n,), both contiguous; copies only where they must be."""
    if pixels.dtype != np.uint8 or (valid is not None and valid.dtype != np.bool_):
        raise TypeError("pixels must be uint8, and valid must be bool")
    if pixels.ndim != 3 or pixels.shape[2] != 3 or (valid is not None and valid.shape != pixels.shape[:2]):
        raise ValueError("pixels must have shape (H, W, 3), and valid (H, W)")
    if pixels.size == 0 or (valid is not None and not valid.any()):
        raise SegmentationError(
            "empty", gettext_noop("The picture has no visible pixels: choose one that is not fully transparent.")
        )
    flat = np.ascontiguousarray(pixels).reshape(-1, 3)
    return flat, None if valid is None else np.ascontiguousarray(valid).reshape(-1)


def _silent(_stage: Stage, _fraction: float) -> None:
    """Nobody wants to know."""


@dataclass(slots=True)
class _Clock:
    """Takes the time of each stage and passes its progress on."""

    on_progress: OnProgress
    seconds: dict[str, float] = field(default_factory=dict)
    stage: Stage | None = None
    begun: float = 0.0

    def begin(self, stage: Stage) -> Callable[[float], None]:
        """End the stage before; returns what reports fractions of this one."""
        self.end()
        self.stage, self.begun = stage, time.perf_counter()
        self.on_progress(stage, 0.0)
        return lambda fraction: self.on_progress(stage, fraction)

    def end(self) -> None:
        if self.stage is not None:
            self.seconds[self.stage.value] = time.perf_counter() - self.begun
            self.stage = None
