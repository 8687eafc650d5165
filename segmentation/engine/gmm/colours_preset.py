"""The preset *Colours*: fit a Gaussian mixture to the pixels of a picture, and label each with a component."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.gmm.features.units import Units
from segmentation.engine.gmm.fit.fitting import SAMPLE_PIXELS
from segmentation.engine.gmm.labels.labelling import LabelMap, label_pixels
from segmentation.engine.gmm.labels.small_regions import merge_small_regions
from segmentation.engine.gmm.labels.smoothing import label_smoothed
from segmentation.engine.gmm.mixed_pixels.coverage import COVERAGE_PIXELS, coverage
from segmentation.engine.gmm.mixed_pixels.fitting import MixedPixelFit
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.picture_fit import fit_picture, outside_range
from segmentation.engine.gmm.pixels.sample import Sample
from segmentation.engine.gmm.pixels.sources import FeatureSource, feature_source
from segmentation.engine.gmm.result import Segmentation
from segmentation.engine.gmm.selection.cluster_count import candidate_maps
from segmentation.engine.gmm.stage_clock import StageClock
from segmentation.engine.gmm.statistics.components import (
    Component,
    SampleStatistics,
    bounding_boxes,
    component_statistics,
    count_border_pixels,
    hard_sums,
    sample_statistics,
)
from segmentation.engine.progress import OnFraction, OnProgress, Stage, ignore_stage_progress, subrange
from segmentation.engine.recipe import Features, Recipe


def segment(
    pixels: NDArray[np.generic],
    recipe: Recipe,
    *,
    valid: NDArray[np.bool_] | None = None,
    shown: NDArray[np.uint8] | None = None,
    start: Mixture | None = None,
    start_units: Units | None = None,
    on_progress: OnProgress | None = None,
) -> Segmentation:
    """Fit a Gaussian mixture to a picture and label every pixel with its most probable component.

    Parameters and errors are those of `segmentation.segment`; the recipe must be of the preset *Colours*.
    """
    clock = StageClock(on_progress or ignore_stage_progress)
    on_features = subrange(clock.begin(Stage.COUNTING), 0, 0.7)
    picture = feature_source(*_checked(pixels, valid), recipe, shown, on_fraction=on_features)
    if start is not None and start_units is not None:
        start = _converted(start, start_units, picture, recipe)
    fitted = fit_picture(picture, recipe, start, clock)
    fit, choice = fitted.fit, fitted.choice
    mixture = fitted.mixture.rounded()
    order = mixture.order()
    result = _labelled(picture, mixture.subset(order), fitted.sample, recipe, clock)
    if fitted.mixed is not None:
        result = _with_coverage(result, picture, fitted.mixed.subset(order), fitted.sample, recipe)
    return replace(
        result,
        history=fit.history,
        path=fit.path.reshape(len(fit.path), len(order), -1)[:, order],
        iterations=len(fit.history),
        converged=fit.converged,
        gain=fitted.gain,
        choice=choice,
        candidate_maps=None if choice is None else candidate_maps(choice, picture),
    )


def apply(
    pixels: NDArray[np.generic],
    recipe: Recipe,
    mixture: Mixture,
    units: Units,
    *,
    valid: NDArray[np.bool_] | None = None,
    shown: NDArray[np.uint8] | None = None,
    on_progress: OnProgress | None = None,
) -> Segmentation:
    """Label every pixel of a picture with the most probable component of a mixture that was fitted before.

    On the picture that the mixture was fitted to, with the same recipe and mask, the labels are those of `segment`.

    Parameters
    ----------
    pixels, valid, shown, on_progress
        As in `segment`.
    recipe : Recipe
        Its features are those of the mixture. Labels are smoothed and small regions are merged as it says; settings of the fit
        are ignored.
    mixture : Mixture
    units : Units
        The units of the mixture: the same features are extracted from this picture in these units.

    Returns
    -------
    Segmentation
        Without history; the log-likelihood and the sums are estimated from a sample of this picture.

    Raises
    ------
    SegmentationError, TypeError, ValueError
        As in `segment`; also `invalid_request` when the picture has another number of bands or another depth than the picture
        of the mixture.
    """
    units.require_same_depth(pixels.dtype)
    clock = StageClock(on_progress or ignore_stage_progress)
    on_features = subrange(clock.begin(Stage.COUNTING), 0, 0.7)
    picture = feature_source(*_checked(pixels, valid), recipe, shown, units=units, on_fraction=on_features)
    sample = picture.sample(SAMPLE_PIXELS, np.random.default_rng([recipe.seed, 0]))
    clock.begin(Stage.FITTING)  # there is nothing to fit, but every result has the seconds of all stages
    return _labelled(picture, mixture, sample, recipe, clock)


def _labelled(
    picture: FeatureSource, mixture: Mixture, sample: Sample, recipe: Recipe, clock: StageClock
) -> Segmentation:
    """Return labels and statistics of a picture under a mixture, as the result of a fit without iterations."""
    label_map = _label_map(picture, mixture, sample, recipe, clock.begin(Stage.LABELLING))
    of_sample = sample_statistics(mixture, sample)
    of_components = _component_statistics(picture, label_map, of_sample, recipe)
    clock.end()
    return Segmentation(
        labels=label_map.labels.reshape(picture.shape),
        mixture=mixture,
        log_likelihood=of_sample.log_likelihood,
        log_likelihood_error=_standard_error(of_sample, sample, picture),
        history=np.empty(0),
        path=np.empty((0, mixture.n_components, 1)),
        iterations=0,
        converged=True,
        components=of_components,
        distinct_colours=len(sample.counts),
        fitted_pixels=sample.pixels,
        valid_pixels=picture.n_valid,
        units=picture.units,
        names=picture.names,
        choice=None,
        candidate_maps=None,
        seconds=clock.seconds,
    )


def _with_coverage(
    result: Segmentation, picture: FeatureSource, fit: MixedPixelFit, sample: Sample, recipe: Recipe
) -> Segmentation:
    """Return the result with its areas by coverage; smoothing and merging of small regions do not change them."""
    is_sampled, is_changed = sample.pixels < picture.n_valid, recipe.smoothness or recipe.smallest_region
    labels = fit.model.label_mixture()
    areas = None
    if is_sampled and not is_changed:
        areas = np.array([component.pixels for component in result.components])
    if is_sampled:
        sample = sample.subsample(COVERAGE_PIXELS, np.random.default_rng([recipe.seed, 8]))
    return replace(result, mixed_pixels=fit.model, coverage=coverage(fit, labels, sample, areas))


def _converted(start: Mixture, units: Units, picture: FeatureSource, recipe: Recipe) -> Mixture:
    """Return the starting mixture in the units of the picture; texture and position have the same units in every picture."""
    n_bands, n_values = len(picture.units.offset), start.means.shape[1]
    if len(units.offset) != n_bands or n_values < n_bands or recipe.features is not Features.RGB:
        return start
    gain, shift = np.ones(n_values), np.zeros(n_values)
    gain[:n_bands], shift[:n_bands] = units.conversion_to(picture.units)
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            return start.rescaled(gain, shift)
    except ValueError:  # not finite
        raise outside_range() from None


def _label_map(
    picture: FeatureSource, mixture: Mixture, sample: Sample, recipe: Recipe, on_fraction: OnFraction
) -> LabelMap:
    """Return the labels of all pixels, smoothed and with small regions merged as the recipe says."""
    on_labels = subrange(on_fraction, 0, 0.5) if recipe.smallest_region else on_fraction
    if recipe.smoothness:
        label_map = label_smoothed(picture, mixture, recipe.smoothness, on_labels)
    else:
        label_map = label_pixels(picture, mixture, sample, on_labels)
    if not recipe.smallest_region:
        return label_map
    return LabelMap.of(
        merge_small_regions(
            label_map.labels.reshape(picture.shape),
            lambda rows: picture.part(rows, slice(None))[0],
            mixture,
            recipe.smallest_region,
            on_fraction=subrange(on_fraction, 0.5, 1),
        ),
        mixture.n_components,
    )


def _component_statistics(
    picture: FeatureSource, label_map: LabelMap, of_sample: SampleStatistics, recipe: Recipe
) -> tuple[Component, ...]:
    """Return the statistics of each component.

    After smoothing or merging of small regions, labels do not follow from the values of pixels alone, so sums need all pixels.
    """
    if recipe.smoothness or recipe.smallest_region:
        of_sample = replace(of_sample, hard=hard_sums(label_map, picture.colours))
    labels, count = label_map.labels.reshape(picture.shape), len(label_map.areas)
    border, around = count_border_pixels(labels, count), bounding_boxes(labels, count)
    return component_statistics(
        of_sample, label_map, border, around, lambda number: picture.colours(label_map.labels == number)
    )


def _standard_error(of_sample: SampleStatistics, sample: Sample, picture: FeatureSource) -> float:
    """Return the standard error of the mean log-likelihood, as for simple random sampling.

    It is an upper bound for the stratified sample that is drawn (Cochran, 1977, chapter 5).
    """
    missing = 1 - sample.pixels / picture.n_valid
    return float(of_sample.deviation * (missing / sample.pixels) ** 0.5)


def _checked(
    pixels: NDArray[np.generic], valid: NDArray[np.bool_] | None
) -> tuple[NDArray[np.generic], NDArray[np.bool_] | None]:
    """Return the arguments after checking types, shapes, and that there is at least one valid pixel."""
    if valid is not None and valid.dtype != np.bool_:
        raise TypeError("valid must be bool")
    if pixels.ndim not in {2, 3} or (valid is not None and valid.shape != pixels.shape[:2]):
        raise ValueError("pixels must have shape (H, W) or (H, W, B), and valid (H, W)")
    if pixels.size == 0 or (valid is not None and not valid.any()):
        raise SegmentationError(
            "empty", gettext_noop("The picture has no visible pixels: choose one that is not fully transparent.")
        )
    return pixels, valid
