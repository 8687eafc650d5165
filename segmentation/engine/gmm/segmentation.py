"""A picture's pixels and a recipe in, a label map with its mixture and measurements out."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.gmm.choice import Choice, choose, interior_pixels, small_maps
from segmentation.engine.gmm.cleaning import cleaned
from segmentation.engine.gmm.em import Fit
from segmentation.engine.gmm.families import FAMILIES
from segmentation.engine.gmm.fitting import SIZE, Sample, fit_all, fit_sample
from segmentation.engine.gmm.labelling import Painted
from segmentation.engine.gmm.measure import Component, Judgement, boxes, components, hard_sums, judge, on_border
from segmentation.engine.gmm.mixture import Mixture
from segmentation.engine.gmm.monomials import Float
from segmentation.engine.gmm.pictures import Picture, picture_of
from segmentation.engine.gmm.sampling import windows
from segmentation.engine.gmm.smoothing import begun, paint_smoothed, refit
from segmentation.engine.gmm.squarem import mixture_at
from segmentation.engine.gmm.units import Units
from segmentation.engine.progress import OnProgress, Stage
from segmentation.engine.recipe import Recipe

if TYPE_CHECKING:
    from segmentation.engine.gmm.regions import RegionSegmentation

_COARSE = 0.16
"""Variance below which no cluster goes while their number is chosen: one level of 8 bits, squared, in
units of lightness."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segmentation:
    """What `segment` returns."""

    labels: NDArray[np.uint8]  # (H, W): component of each pixel, 255 where there is no data
    mixture: Mixture  # components in ascending luminance of the mean; their index is the label
    log_likelihood: float  # mean nats per valid pixel, over those that were fitted
    log_likelihood_error: float  # its standard error as that of all valid pixels; 0 when all were fitted
    history: Float  # best mean log-likelihood on the sample after each evaluation of the fit; never falls
    path: Float  # (iterations, K, P) where it was found, as `squarem.pack` writes a mixture: for `mixture_after`
    iterations: int  # evaluations of EM on the sample, as many as `history` has entries
    converged: bool
    components: tuple[Component, ...]  # measured over all valid pixels, in the order of the labels
    distinct_colours: int  # among the pixels that were fitted
    fitted_pixels: int
    valid_pixels: int
    units: Units  # what values of the picture are in those of the mixture
    names: tuple[str, ...]  # (D,) of the values that the mixture is of
    choice: Choice | None  # the evidence for the number of clusters, where the engine chose it
    maps: NDArray[np.uint8] | None  # (n, h, w) small label maps of 1 to n clusters, with `choice`
    seconds: dict[str, float]  # by the value of the stage
    hierarchy: "RegionSegmentation | None" = None  # of regions, with the tree that they were cut from

    def mixture_after(self, iteration: int) -> Mixture:
        """The best mixture after an evaluation of the fit, counted from 0, so that the fit can be replayed."""
        K = self.mixture.n_components
        return mixture_at(self.path[iteration].ravel(), K, np.finfo(float).tiny, self.mixture.covariance_type)


def segment(
    pixels: NDArray[np.generic],
    recipe: Recipe,
    *,
    valid: NDArray[np.bool_] | None = None,
    shown: NDArray[np.uint8] | None = None,
    begin: Mixture | None = None,
    on_progress: OnProgress | None = None,
) -> Segmentation:
    """Fit a Gaussian mixture to a picture and label every pixel with its most probable component.

    The same pixels, mask and recipe give the same bytes, whatever the memory layout and the number of threads. Without
    texture, position, smoothing, cleaning and automatic choice, where pixels stand plays no part beyond which of them are
    in the sample: a permuted small picture gets permuted labels.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, B), whole or real numbers
        Of up to 16 bands, in any memory layout; three of 8 bits are sRGB. NaN and infinity are no data.
    recipe : Recipe
        Of the preset *Colours*. With more clusters than the picture has colours, there is one component a colour.
    valid : ndarray, shape (H, W), bool, or None
        Which pixels count; None means all.
    shown : ndarray, shape (H, W, 3), uint8, or None
        The picture as people see it, for the colours of components; three bands of 8 bits are seen as they are. None means
        as `units.visible` has it.
    begin : Mixture or None
        Where the fit begins, for example that of a preview; None tries `recipe.restarts` starts.
    on_progress : callable or None
        Told the stage and its done fraction, which never falls. What it raises ends the computation.

    Raises
    ------
    SegmentationError
        ``empty``: no pixel counts; ``invalid_request``: the recipe or the starting mixture does not suit the picture.
    TypeError, ValueError
        The arrays are not of the stated types and shapes.
    """
    picture = picture_of(*_checked(pixels, valid), recipe, shown)
    clock = _Clock(on_progress or _silent)
    with_progress = clock.begin(Stage.COUNTING)
    choice = _chosen(picture, recipe, begin)
    if choice is not None:
        begin = choice.best.mixture
    wanted = recipe.n_clusters or (begin.n_components if begin else 1)
    sample, whole = _samples(picture, recipe, wanted, with_progress)
    with_progress = clock.begin(Stage.FITTING)
    parts = _parts(picture, recipe)
    begin = _suited(begin, picture, recipe)
    if recipe.smoothness and begin is None:
        begin = begun(parts, recipe, min(wanted, len((whole or sample).counts)), picture.floor)
    fit = _fitted(sample, whole, recipe, wanted, begin=begin, floor=picture.floor, on_fraction=with_progress)
    sample = whole or sample
    mixture = refit(fit.mixture, parts, recipe.smoothness, picture.floor) if recipe.smoothness else fit.mixture
    mixture = mixture.rounded()
    order = mixture.order()
    mixture = mixture.chosen(order)
    with_progress = clock.begin(Stage.LABELLING)
    painted = _painted(picture, mixture, sample, recipe, with_progress)
    judgement = judge(mixture, sample)
    measured = _measured(picture, painted, judgement, recipe)
    clock.end()
    return Segmentation(
        labels=painted.labels.reshape(picture.shape),
        mixture=mixture,
        log_likelihood=judgement.log_likelihood,
        log_likelihood_error=_standard_error(judgement, sample, picture),
        history=fit.history,
        path=fit.path.reshape(len(fit.path), len(order), -1)[:, order],
        iterations=len(fit.history),
        converged=fit.converged,
        components=measured,
        distinct_colours=len(sample.counts),
        fitted_pixels=sample.pixels,
        valid_pixels=picture.n_valid,
        units=picture.units,
        names=picture.names,
        choice=choice,
        maps=None if choice is None else small_maps(choice, picture),
        seconds=clock.seconds,
    )


def _chosen(picture: Picture, recipe: Recipe, begin: Mixture | None) -> Choice | None:
    """Weigh the numbers of clusters, when neither the recipe nor a starting mixture says one."""
    if recipe.n_clusters is not None or begin is not None:
        return None
    rng = np.random.default_rng([recipe.seed, 2])
    floor = np.maximum(12 * picture.floor, _COARSE)
    return choose(interior_pixels(picture, rng), rng, floor=floor, covariance_type=recipe.covariance)


def _suited(begin: Mixture | None, picture: Picture, recipe: Recipe) -> Mixture | None:
    """A starting mixture in the recipe's family."""
    if begin is None:
        return None
    if begin.means.shape[1] != len(picture.floor):
        raise SegmentationError(
            "invalid_request",
            gettext_noop(
                "The starting mixture is of %(given)s values a pixel, the picture of %(wanted)s: start without."
            ),
            given=begin.means.shape[1],
            wanted=len(picture.floor),
        )
    covariances = FAMILIES[recipe.covariance].estimate(begin.weights, begin.covariances)
    return Mixture(begin.weights, begin.means, covariances, recipe.covariance)


def _parts(picture: Picture, recipe: Recipe) -> list[tuple[NDArray[np.generic], NDArray[np.bool_]]]:
    """Parts of the picture, with their neighbourhoods, that smoothing is fitted to."""
    if not recipe.smoothness:
        return []
    rng = np.random.default_rng([recipe.seed, 3])
    parts = [picture.part(*window) for window in windows(*picture.shape, rng)]
    seen = [(values, valid) for values, valid in parts if valid.any()]
    return seen or [picture.part(slice(None), slice(None))]


def _painted(
    picture: Picture, mixture: Mixture, sample: Sample, recipe: Recipe, on_fraction: Callable[[float], None]
) -> Painted:
    """Label all pixels, smooth the labels and clean them, as the recipe says."""
    if recipe.smoothness:
        painted = paint_smoothed(picture, mixture, recipe.smoothness, on_fraction)
    else:
        painted = picture.paint(mixture, sample, on_fraction)
    if not recipe.smallest_region:
        return painted
    values, _ = picture.part(slice(None), slice(None))
    labels = cleaned(painted.labels.reshape(picture.shape), values, mixture, recipe.smallest_region).reshape(-1)
    areas = np.array([np.count_nonzero(labels == number) for number in range(mixture.n_components)], np.int64)
    return Painted(labels, areas)


def _samples(
    picture: Picture, recipe: Recipe, n_clusters: int, on_fraction: Callable[[float], None]
) -> tuple[Sample, Sample | None]:
    """The pixels to fit first; and all, where the recipe says so or the sample has too few values for the clusters."""
    sample, whole = picture.sample(SIZE, np.random.default_rng([recipe.seed, 0])), None
    if sample.pixels < picture.n_valid and (recipe.exact or len(sample.counts) < n_clusters):
        whole = picture.everything(on_fraction)
    on_fraction(1.0)
    return sample, whole


def _fitted(
    sample: Sample,
    whole: Sample | None,
    recipe: Recipe,
    n_clusters: int,
    *,
    begin: Mixture | None,
    floor: Float,
    on_fraction: Callable[[float], None],
) -> Fit:
    """Fit the sample, then go on with all pixels where they were asked for."""
    if whole is not None and len(sample.counts) < n_clusters:
        sample = whole.thinned(SIZE, np.random.default_rng([recipe.seed, 0]))
    n_components = min(n_clusters, len(sample.counts))
    part = 1.0 if whole is None else 0.5
    fit = fit_sample(
        sample, recipe, n_components, floor=floor, begin=begin, on_fraction=lambda done: on_fraction(part * done)
    )
    if whole is not None or recipe.exact:
        data = (whole or sample).data()
        fit = fit_all(data, fit, recipe, floor=floor, on_fraction=lambda done: on_fraction(0.5 + done / 2))
    on_fraction(1.0)
    return fit


def _measured(picture: Picture, painted: Painted, judgement: Judgement, recipe: Recipe) -> tuple[Component, ...]:
    """Measurements of the components; where place decides labels, too, from all pixels."""
    if recipe.smoothness or recipe.smallest_region:
        judgement = replace(judgement, hard=hard_sums(painted, picture.colours))
    labels, count = painted.labels.reshape(picture.shape), len(painted.areas)
    border, around = on_border(labels, count), boxes(labels, count)
    return components(judgement, painted, border, around, lambda number: picture.colours(painted.labels == number))


def _standard_error(judgement: Judgement, sample: Sample, picture: Picture) -> float:
    """Of the mean log-likelihood; that of random sampling, which bounds the stratified sample's (Cochran, 1977)."""
    missing = 1 - sample.pixels / picture.n_valid
    return float(judgement.deviation * (missing / sample.pixels) ** 0.5)


def _checked(
    pixels: NDArray[np.generic], valid: NDArray[np.bool_] | None
) -> tuple[NDArray[np.generic], NDArray[np.bool_] | None]:
    """The arguments, if they are a picture with pixels."""
    if valid is not None and valid.dtype != np.bool_:
        raise TypeError("valid must be bool")
    if pixels.ndim not in {2, 3} or (valid is not None and valid.shape != pixels.shape[:2]):
        raise ValueError("pixels must have shape (H, W) or (H, W, B), and valid (H, W)")
    if pixels.size == 0 or (valid is not None and not valid.any()):
        raise SegmentationError(
            "empty", gettext_noop("The picture has no visible pixels: choose one that is not fully transparent.")
        )
    return pixels, valid


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
