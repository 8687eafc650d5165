"""Fit a mixture to a sample: initialise EM on a subsample, then run quasi-Newton EM on the sample."""

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
"""Size of the sample. Fitting p parameters to n of many pixels loses about p / 2n nats per pixel, whatever the picture."""

SUBSAMPLE_PIXELS = 2**12
"""Size of the subsample on which initialisations are compared."""

SUBSAMPLE_TOLERANCE = 1e-5
"""Tolerance on the subsample, in mean nats per step; local optima differ by a thousand times as much."""

PATIENCE = 2
"""Steps below the tolerance, one after the other, that end a fit; more than one, because EM can leave a plateau."""

FULL_TOLERANCE, FULL_PATIENCE = 1e-7, 3
"""Tolerance, and steps below it, when the fit continues on all pixels."""


def fit_sample(
    sample: Sample,
    recipe: Recipe,
    n_components: int,
    *,
    floor: ArrayLike = FLOOR,
    start: Mixture | None = None,
    on_fraction: OnFraction = ignore_progress,
) -> Fit:
    """Fit a mixture to a sample.

    Parameters
    ----------
    sample : Sample
        With at least `n_components` distinct values.
    recipe : Recipe
        Its seed, number of initialisations, covariance family, tolerance and limit of iterations are used.
    n_components : int
    floor : array_like
        As in `em.maximise`.
    start : Mixture or None
        Where the fit of the sample begins; None means the mixture that is fitted to the subsample first.
    on_fraction : callable
        Called after every E-step with the fraction of the work that is done, up to 1.
    """
    patience = PATIENCE
    if start is None:
        start = _fit_subsample(sample, recipe, n_components, floor, on_fraction=subrange(on_fraction, 0, 0.4))
        patience = 1  # the fit of the subsample has already passed plateaus
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
    sample: Sample, recipe: Recipe, n_components: int, floor: ArrayLike, *, on_fraction: OnFraction
) -> Mixture:
    """Return the mixture of a subsample, fitted from the best of several initialisations."""
    rng = np.random.default_rng([recipe.seed, 1])
    subsample = em_data(sample.subsample(SUBSAMPLE_PIXELS, rng))
    start = best_start(
        subsample,
        n_components,
        rng,
        n_starts=recipe.restarts,
        floor=floor,
        covariance_type=recipe.covariance.of_labels,
        on_fraction=subrange(on_fraction, 0, 0.8),
    )
    return quasi_newton_em(
        subsample,
        start,
        tolerance=SUBSAMPLE_TOLERANCE,
        patience=PATIENCE,
        max_evaluations=recipe.max_iterations,
        floor=floor,
        on_evaluation=lambda evaluations, _: on_fraction(0.8 + 0.2 * fraction_done(evaluations)),
    ).mixture


def em_data(sample: Sample) -> Data:
    """Return the data of a sample for EM; exponentials are in single precision where the values have 8 bits."""
    return Data.of(sample.values, sample.counts, single_precision=sample.values.dtype == np.uint8)


def fit_full_sample(
    data: Data, fit: Fit, recipe: Recipe, *, floor: ArrayLike = FLOOR, on_fraction: OnFraction = ignore_progress
) -> Fit:
    """Continue a fit on the data of all pixels; history and path are those of both fits, one after the other."""
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
