"""Fit a mixture to a picture: choose the number of clusters and the sample, then run EM on it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.gmm.features.colour_spaces import STEPS
from segmentation.engine.gmm.features.units import quantisation_step
from segmentation.engine.gmm.fit.em import Fit
from segmentation.engine.gmm.fit.fitting import SAMPLE_PIXELS, em_data, fit_full_sample, fit_sample
from segmentation.engine.gmm.fit.starts import best_start
from segmentation.engine.gmm.labels.smoothing import Parts, blurred_start, hidden_markov_em
from segmentation.engine.gmm.mixed_pixels.fitting import MixedPixelFit, fit_mixed_pixels, gain_of_mixed_pixels
from segmentation.engine.gmm.mixed_pixels.lines import line_of
from segmentation.engine.gmm.mixture.families import FAMILIES
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import Float
from segmentation.engine.gmm.pixels.sample import Sample
from segmentation.engine.gmm.pixels.sampling import windows
from segmentation.engine.gmm.pixels.sources import FeatureSource, Values
from segmentation.engine.gmm.selection.cluster_count import (
    PIXELS,
    ClusterCountChoice,
    choose_n_clusters,
    flat_pixels,
    pixel_sample,
)
from segmentation.engine.gmm.stage_clock import StageClock
from segmentation.engine.progress import OnFraction, Stage, subrange
from segmentation.engine.recipe import Covariance, Features, Recipe

_MOST_MATERIALS = 8  # clusters; with more, a picture is hardly one of few materials
_START_TOLERANCE = 10.0  # times the tolerance of the recipe: of a fit that another goes on from
_FLAT_START_FROM = 3  # clusters
_FEWEST_FLAT = 4  # distinct values of flat pixels, for each cluster


@dataclass(frozen=True, slots=True, eq=False)
class PictureFit:
    """The mixture that was fitted to a picture, with the data and the history of the fit."""

    mixture: Mixture  # that labels pixels: of `fit` or of `mixed`, refitted when the recipe has smoothness
    fit: Fit
    mixed: MixedPixelFit | None  # with mixed pixels, when the recipe's covariance is `mixed`
    gain: float | None  # of the log-likelihood by mixed pixels, see `Segmentation`; None when it was not computed
    sample: Sample  # the pixels that were fitted; all pixels when the recipe is exact
    choice: ClusterCountChoice | None  # None when the recipe or the starting mixture gives the number of clusters


def fit_picture(picture: FeatureSource, recipe: Recipe, start: Mixture | None, clock: StageClock) -> PictureFit:
    """Fit a mixture to a picture.

    Parameters
    ----------
    picture : FeatureSource
    recipe : Recipe
    start : Mixture or None
        Where EM begins; None initialises it from the picture.
    clock : StageClock
        Records the seconds of each stage and passes on its progress.

    Raises
    ------
    SegmentationError
        With `invalid_request`, when the starting mixture has another number of features than the picture.
    """
    on_fraction = clock.begin(Stage.COUNTING)
    start = _in_family(start, picture, recipe)
    choice = None
    if recipe.n_clusters is None and start is None:
        choice = _choose_n_clusters(picture, recipe, subrange(on_fraction, 0, 0.8))
    n_clusters = recipe.n_clusters or (start.n_components if start else choice.n_clusters if choice else 1)
    sample, full_sample = _samples(picture, recipe, n_clusters, subrange(on_fraction, 0.8 if choice else 0, 1))
    on_fraction = clock.begin(Stage.FITTING)
    parts = _parts(picture, recipe) if recipe.smoothness else []
    n_components = min(n_clusters, len((full_sample or sample).counts))
    if parts and start is None:
        start = blurred_start(parts, recipe, n_components, picture.floor, subrange(on_fraction, 0, 0.2))
    on_fit = subrange(on_fraction, 0.2, 0.5) if parts else on_fraction
    is_mixed = recipe.covariance is Covariance.MIXED
    floor = _mixed_floor(picture, recipe, sample) if is_mixed else picture.floor
    flat = _flat_start(picture, recipe, n_components, floor) if is_mixed and start is None else None
    fit = _fit(
        sample,
        full_sample,
        _recipe_of_start(recipe, flat) if is_mixed else recipe,
        n_components,
        floor,
        start=start,
        on_fraction=subrange(on_fit, 0, 0.6) if is_mixed else on_fit,
    )
    mixture, mixed = fit.mixture, None
    if is_mixed:
        mixed = fit_mixed_pixels(
            mixture,
            full_sample or sample,
            np.random.default_rng([recipe.seed, 6]),
            line=line_of(recipe),
            floor=floor,
            flat=flat,
            max_iterations=recipe.max_iterations,
            exact=recipe.exact,
            on_fraction=subrange(on_fit, 0.6, 1),
        )
        mixture = mixed.model.label_mixture()
    gain = mixed.gain if mixed else _gain(mixture, sample, recipe, floor)
    if parts:
        mixture = hidden_markov_em(mixture, parts, recipe.smoothness, picture.floor, subrange(on_fraction, 0.5, 1))
    on_fraction(1.0)
    return PictureFit(mixture, fit, mixed, gain, full_sample or sample, choice)


def _in_family(start: Mixture | None, picture: FeatureSource, recipe: Recipe) -> Mixture | None:
    """Return the starting mixture with covariances of the recipe's family."""
    if start is None:
        return None
    if start.means.shape[1] != len(picture.floor):
        raise wrong_feature_count(given=start.means.shape[1], wanted=len(picture.floor))
    family = recipe.covariance.of_labels
    covariances = FAMILIES[family].estimate(start.weights, start.covariances)
    mixture = Mixture(start.weights, start.means, covariances, family)
    if not mixture.is_definite:
        raise outside_range()
    return mixture


def wrong_feature_count(*, given: int, wanted: int) -> SegmentationError:
    """Return the error of a starting mixture with another number of features than the picture has."""
    return SegmentationError(
        "invalid_request",
        gettext_noop(
            "The starting mixture has %(given)s features per pixel, but this picture has %(wanted)s: remove the starting mixture."
        ),
        given=given,
        wanted=wanted,
        field="mixture",
    )


def outside_range() -> SegmentationError:
    """Return the error of a starting mixture that, in the units of the picture, is no mixture of Gaussians any more."""
    return SegmentationError(
        "invalid_request",
        gettext_noop(
            "The starting mixture is far outside the range of the picture's values: remove the starting mixture."
        ),
        field="mixture",
    )


def _choose_n_clusters(picture: FeatureSource, recipe: Recipe, on_fraction: OnFraction) -> ClusterCountChoice:
    """Choose the number of clusters by ICL."""
    rng = np.random.default_rng([recipe.seed, 2])
    sample = pixel_sample(picture, rng)
    # One level of 8 bits, or of as many as the picture uses: narrower clusters are flat areas of one cluster.
    step = max(STEPS[recipe.features], _quantisation_step(recipe, sample.data.values, sample.data.counts))
    floor = np.maximum(12 * picture.floor, step**2)
    return choose_n_clusters(sample, rng, line=line_of(recipe), floor=floor, on_fraction=on_fraction)


def _gain(mixture: Mixture, sample: Sample, recipe: Recipe, floor: Float) -> float | None:
    """Return what mixed pixels would add to the log-likelihood of a fit without them; None where nobody is told."""
    line = line_of(recipe)
    is_told = recipe.covariance is Covariance.FULL and recipe.restarts > 1 and line is not None
    if line is None or not is_told or not 1 < mixture.n_components <= _MOST_MATERIALS:
        return None
    return gain_of_mixed_pixels(mixture, sample, np.random.default_rng([recipe.seed, 6]), line, floor)


def _recipe_of_start(recipe: Recipe, flat: Mixture | None) -> Recipe:
    """Return the recipe of the tied fit that a fit with mixed pixels begins with."""
    restarts = recipe.restarts if flat is None else recipe.restarts - 1
    return replace(recipe, restarts=restarts, tolerance=min(_START_TOLERANCE * recipe.tolerance, 0.1))


def _mixed_floor(picture: FeatureSource, recipe: Recipe, sample: Sample) -> Float:
    """Return the smallest variances (D,) of pure pixels, at least those of rounding to the levels that the picture uses."""
    few = slice(None, None, max(len(sample.counts) // PIXELS, 1))
    step = _quantisation_step(recipe, sample.values[few], sample.counts[few])
    floor: Float = np.maximum(picture.floor, step**2 / 12)
    return floor


def _flat_start(picture: FeatureSource, recipe: Recipe, n_components: int, floor: Float) -> Mixture | None:
    """Return a tied mixture of the pixels where the picture is flat; None where there are too few, or with a single start.

    In pictures of three and more clusters, mixed pixels of two can look like a third. Only their neighbourhood tells.
    """
    if n_components < _FLAT_START_FROM or recipe.restarts == 1 or line_of(recipe) is None:
        return None
    rng = np.random.default_rng([recipe.seed, 9])
    data = flat_pixels(picture, rng)
    if len(np.unique(data.values, axis=0)) < max(n_components, _FEWEST_FLAT * n_components):
        return None
    return best_start(
        data, n_components, rng, n_starts=recipe.restarts - 1, floor=floor, covariance_type=Covariance.TIED
    )


def _quantisation_step(recipe: Recipe, values: Values, counts: NDArray[np.number]) -> float:
    """Return the distance between the levels of a picture in its features; 0 where these are not its bands."""
    if recipe.features is not Features.RGB or line_of(recipe) is None:
        return 0.0
    return quantisation_step(values, counts)


def _samples(
    picture: FeatureSource, recipe: Recipe, n_clusters: int, on_fraction: OnFraction
) -> tuple[Sample, Sample | None]:
    """Return the sample to fit first, and the sample of all pixels or None.

    All pixels are needed when the recipe is exact, or when the first sample has fewer distinct values than clusters.
    """
    rng = np.random.default_rng([recipe.seed, 0])
    sample, full_sample = picture.sample(SAMPLE_PIXELS, rng), None
    if sample.pixels < picture.n_valid and (recipe.exact or len(sample.counts) < n_clusters):
        full_sample = picture.full_sample(on_fraction)
        if len(sample.counts) < n_clusters:
            sample = full_sample.subsample(SAMPLE_PIXELS, np.random.default_rng([recipe.seed, 0]))
    on_fraction(1.0)
    return sample, full_sample


def _parts(picture: FeatureSource, recipe: Recipe) -> Parts:
    """Return the parts of the picture that the hidden Markov random field is fitted to; each has at least one valid pixel."""
    rng = np.random.default_rng([recipe.seed, 3])
    parts = [picture.part(*window) for window in windows(*picture.shape, rng)]
    with_data = [(values, valid) for values, valid in parts if valid.any()]
    return with_data or [picture.part(slice(None), slice(None))]


def _fit(
    sample: Sample,
    full_sample: Sample | None,
    recipe: Recipe,
    n_components: int,
    floor: Float,
    *,
    start: Mixture | None,
    on_fraction: OnFraction,
) -> Fit:
    """Fit the sample, then continue on all pixels if there is a full sample or the recipe is exact."""
    continues = full_sample is not None or recipe.exact
    on_sample = subrange(on_fraction, 0, 0.5) if continues else on_fraction
    n_components = min(n_components, len(sample.counts))
    fit = fit_sample(sample, recipe, n_components, floor=floor, start=start, on_fraction=on_sample)
    if continues:
        fit = fit_full_sample(
            em_data(full_sample or sample), fit, recipe, floor=floor, on_fraction=subrange(on_fraction, 0.5, 1)
        )
    return fit
