"""From a sample of a picture to its mixture: starts on a few pixels, then the climb on all of the sample."""

import numpy as np
from numpy.typing import ArrayLike

from segmentation.engine.gmm.fit.em import FLOOR, Data, Fit
from segmentation.engine.gmm.fit.quasi_newton import fraction_done, quasi_newton_em
from segmentation.engine.gmm.fit.starts import best_start
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.pixels.sample import Sample
from segmentation.engine.progress import OnFraction, ignore_progress, subrange
from segmentation.engine.recipe import Recipe

SAMPLE_PIXELS = 2**17
"""Pixels that the mixture is fitted to. p parameters from n pixels cost p / 2n nats, whatever the picture."""

SUBSAMPLE_PIXELS = 2**12
"""Pixels on which starts are tried and compared."""

SUBSAMPLE_TOLERANCE = 1e-5
"""Tolerance on the few pixels, in mean nats a step; local optima differ by a thousand times that."""

PATIENCE = 2
"""Calm steps in a row that end a climb: plateaus of EM have been seen to end."""

FULL_TOLERANCE, FULL_PATIENCE = 1e-7, 3
"""The same, and the tolerance, when the climb goes on on all pixels."""


def fit_sample(
    sample: Sample,
    recipe: Recipe,
    n_components: int,
    *,
    floor: ArrayLike = FLOOR,
    subsample_start: Mixture | None = None,
    start: Mixture | None = None,
    on_fraction: OnFraction = ignore_progress,
) -> Fit:
    """Fit a mixture of a recipe's family.

    Parameters
    ----------
    sample : Sample
        Of at least `n_components` distinct values.
    recipe : Recipe
        Seed, starts, family, tolerance and the limit of evaluations.
    n_components : int
    floor : array_like
        As in `em.maximise`.
    start : Mixture or None
        Where the climb on few pixels begins; None tries `recipe.restarts` starts.
    begin : Mixture or None
        Where the climb on the whole sample begins; None climbs on few pixels first.
    on_fraction : callable
        Told after every evaluation how much is done, up to 1.
    """
    patience = PATIENCE
    if start is None:
        start = _fit_subsample(
            sample,
            recipe,
            n_components,
            floor,
            subsample_start=subsample_start,
            on_fraction=subrange(on_fraction, 0, 0.4),
        )
        patience = 1  # that climb was patient already
    return quasi_newton_em(
        em_data(sample),
        start,
        tolerance=recipe.tolerance,
        patience=patience,
        max_evaluations=recipe.max_iterations,
        floor=floor,
        on_evaluation=lambda evaluations, _: on_fraction(0.4 + 0.6 * fraction_done(evaluations)),
    )


def _fit_subsample(
    sample: Sample,
    recipe: Recipe,
    n_components: int,
    floor: ArrayLike,
    *,
    subsample_start: Mixture | None,
    on_fraction: OnFraction,
) -> Mixture:
    """The best of some starts on few pixels of a sample, or a given one, after a climb on them."""
    rng = np.random.default_rng([recipe.seed, 1])
    subsample = em_data(sample.subsample(SUBSAMPLE_PIXELS, rng))
    if subsample_start is None:
        subsample_start = best_start(
            subsample,
            n_components,
            rng,
            n_starts=recipe.restarts,
            floor=floor,
            covariance_type=recipe.covariance,
            on_fraction=subrange(on_fraction, 0, 0.8),
        )
    return quasi_newton_em(
        subsample,
        subsample_start,
        tolerance=SUBSAMPLE_TOLERANCE,
        patience=PATIENCE,
        max_evaluations=recipe.max_iterations,
        floor=floor,
        on_evaluation=lambda evaluations, _: on_fraction(0.8 + 0.2 * fraction_done(evaluations)),
    ).mixture


def em_data(sample: Sample) -> Data:
    """Return a sample as EM takes it; single precision suffices where all of its input is free of rounding."""
    return Data.of(sample.values, sample.counts, single_precision=sample.values.dtype == np.uint8)


def fit_full_sample(
    data: Data, fit: Fit, recipe: Recipe, *, floor: ArrayLike = FLOOR, on_fraction: OnFraction = ignore_progress
) -> Fit:
    """Go on from a fit on the values of all pixels; the history is that of both, one after the other."""
    more = quasi_newton_em(
        data,
        fit.mixture,
        tolerance=min(FULL_TOLERANCE, recipe.tolerance),
        patience=FULL_PATIENCE,
        max_evaluations=recipe.max_iterations,
        floor=floor,
        on_evaluation=lambda evaluations, _: on_fraction(fraction_done(evaluations)),
    )
    history, path = np.concatenate([fit.history, more.history]), np.concatenate([fit.path, more.path])
    return Fit(more.mixture, history, more.converged, path)
