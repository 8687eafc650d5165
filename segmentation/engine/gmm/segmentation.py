"""A picture's pixels and a recipe in, a label map with its mixture and measurements out."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.gmm.choice import Choice, small_maps
from segmentation.engine.gmm.cleaning import cleaned
from segmentation.engine.gmm.clock import Clock
from segmentation.engine.gmm.fitting import Sample
from segmentation.engine.gmm.labelling import Painted
from segmentation.engine.gmm.measure import Component, Judgement, boxes, components, hard_sums, judge, on_border
from segmentation.engine.gmm.mixture import Mixture
from segmentation.engine.gmm.monomials import Float
from segmentation.engine.gmm.pictures import Picture, picture_of
from segmentation.engine.gmm.points import mixture_at
from segmentation.engine.gmm.smoothing import paint_smoothed
from segmentation.engine.gmm.solving import other_range, solve
from segmentation.engine.gmm.units import Units
from segmentation.engine.progress import OnFraction, OnProgress, Stage, part
from segmentation.engine.recipe import Features, Recipe

if TYPE_CHECKING:
    from segmentation.engine.gmm.regions import RegionSegmentation


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Segmentation:
    """What `segment` returns."""

    labels: NDArray[np.uint8]  # (H, W): component of each pixel, 255 where there is no data
    mixture: Mixture  # components in ascending luminance of the mean; their index is the label
    log_likelihood: float  # mean nats per valid pixel, over those that were fitted
    log_likelihood_error: float  # its standard error as that of all valid pixels; 0 when all were fitted
    history: Float  # best mean log-likelihood on the sample after each evaluation of the fit; never falls
    path: Float  # (iterations, K, P) where it was found, as `points.pack` writes a mixture: for `mixture_after`
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
        return mixture_at(self.path[iteration].ravel(), K, self.mixture.covariance_type)


def segment(
    pixels: NDArray[np.generic],
    recipe: Recipe,
    *,
    valid: NDArray[np.bool_] | None = None,
    shown: NDArray[np.uint8] | None = None,
    begin: Mixture | None = None,
    begin_units: Units | None = None,
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
    begin_units : Units or None
        Those of the result that `begin` is from, when its pixels had another range than those that count here; None means
        the units of this picture. Colour spaces that are computed from the bands are taken as they are.
    on_progress : callable or None
        Told the stage and its done fraction, which never falls. What it raises ends the computation.

    Raises
    ------
    SegmentationError
        ``empty``: no pixel counts; ``invalid_request``: the recipe or the starting mixture does not suit the picture.
    TypeError, ValueError
        The arrays are not of the stated types and shapes.
    """
    clock = Clock(on_progress or _silent)
    on_measured = part(clock.begin(Stage.COUNTING), 0, 0.7)
    picture = picture_of(*_checked(pixels, valid), recipe, shown, on_measured)
    if begin is not None and begin_units is not None:
        begin = _converted(begin, begin_units, picture, recipe)
    solution = solve(picture, recipe, begin, clock)
    sample, fit, choice = solution.sample, solution.fit, solution.choice
    mixture = solution.mixture.rounded()
    order = mixture.order()
    mixture = mixture.chosen(order)
    on_fraction = clock.begin(Stage.LABELLING)
    painted = _painted(picture, mixture, sample, recipe, on_fraction)
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


def _converted(begin: Mixture, units: Units, picture: Picture, recipe: Recipe) -> Mixture:
    """A starting mixture in the units of the picture; texture and place have the same everywhere."""
    n_bands, n_values = len(picture.units.offset), begin.means.shape[1]
    if len(units.offset) != n_bands or n_values < n_bands or recipe.features is not Features.RGB:
        return begin
    gain, shift = np.ones(n_values), np.zeros(n_values)
    gain[:n_bands], shift[:n_bands] = units.onto(picture.units)
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            return begin.moved(gain, shift)
    except ValueError:  # not finite
        raise other_range() from None


def _painted(picture: Picture, mixture: Mixture, sample: Sample, recipe: Recipe, on_fraction: OnFraction) -> Painted:
    """Label all pixels, smooth the labels and clean them, as the recipe says."""
    on_paint = part(on_fraction, 0, 0.5) if recipe.smallest_region else on_fraction
    if recipe.smoothness:
        painted = paint_smoothed(picture, mixture, recipe.smoothness, on_paint)
    else:
        painted = picture.paint(mixture, sample, on_paint)
    if not recipe.smallest_region:
        return painted
    return Painted.of(
        cleaned(
            painted.labels.reshape(picture.shape),
            lambda rows: picture.part(rows, slice(None))[0],
            mixture,
            recipe.smallest_region,
            on_fraction=part(on_fraction, 0.5, 1),
        ),
        mixture.n_components,
    )


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
