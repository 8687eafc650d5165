"""What a run is expected to cost: seconds of one core of the machine that the constants below were measured on, at speed 1.

Turn, position, time left and deadline count these. `benchmarks/allowance.py` prints what runs really take beside it; nearly
all are within a factor of three. The number of iterations is only known afterwards, so a hard picture can take longer.
"""

import math
from collections.abc import Mapping

import numpy as np

from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.recipe import Covariance, Features, Inputs, Preset, Recipe
from segmentation.models import Image, Run

# Pixels and values.
_SAMPLE = 131_072  # pixels that are fitted
_FEW = 4_096  # pixels on which starts are tried
_SMOOTHED = 200_000  # pixels in the windows that smoothing is fitted to
_DISTINCT = 0.6  # of the pixels of a sample of 24-bit colours are of different colours
_REPEATED = 1.6e6  # pixels at which half of the colours of a picture were seen before
_USUAL_CHOICE = 9  # clusters that the engine chooses for a photograph
_FEWEST_BANDS = 3  # grey pictures are handled in colour

_MIXED_STEPS, _MIXED_ROWS = 40, 9  # steps of EM with mixed pixels, and Gaussians for each cluster

# Seconds.
_START = 0.09
_READ = 9.5e-9  # a byte
_TEXTURE = 2.0e-8  # a pixel and scale
_SPACE = 8e-9  # a pixel
_COUNT_ALL = 1.2e-8  # a pixel
_CHOOSE = 6.5e-4  # a feature; features are the monomials up to degree two of the values of a pixel
_EVALUATE, _EVALUATE_FEATURE = 1.6e-9, 1.2e-10  # a value and component; with the second, and feature
_PRECISE = 1.5  # times that for values of more than 8 bits
_TRY, _TRY_FEATURE = 7.9e-9, 3.3e-10  # the same, on few pixels
_LABEL_COLOUR = 4.8e-10  # a pixel and component
_LABEL_FEATURE = 5.5e-10  # a pixel, component and feature
_SMOOTH, _FIT_SMOOTH = 2.6e-8, 2.8e-7  # a pixel and component
_CLEAN = 1.5e-8  # a pixel and component
_REGIONS, _REGIONS_PIXEL = 0.6, 1.2e-7


def expected_seconds(*, image: Image, recipe: Recipe, inputs: Inputs) -> float:
    """Return the expected cost of a run, in seconds of one core at speed 1."""
    clusters = len(inputs.mixture.weights) if inputs.mixture else None
    return seconds(
        pixels=image.width * image.height,
        bands=image.bands,
        item_bytes=np.dtype(image.dtype).itemsize,
        recipe=recipe,
        clusters=clusters,
        starts=0 if inputs.mixture else recipe.restarts,
    )


def cost_of(run: Run) -> float:
    """Return the expected cost of a stored run; 0 for one that does not parse, since it fails at once."""
    if not isinstance(run.recipe, Mapping) or not isinstance(run.inputs, Mapping):
        return 0.0
    try:
        recipe, inputs = Recipe.from_mapping(run.recipe), Inputs.from_mapping(run.inputs)
    except SegmentationError:
        return 0.0
    return expected_seconds(image=run.image, recipe=recipe, inputs=inputs)


def seconds(
    *, pixels: int, bands: int, item_bytes: int, recipe: Recipe, clusters: int | None = None, starts: int | None = None
) -> float:
    """Return the expected cost of a recipe on a picture.

    Parameters
    ----------
    pixels, bands, item_bytes : int
        Of the picture as it is stored: how many pixels, values a pixel, and bytes a value.
    recipe : Recipe
    clusters : int or None
        How many clusters will be fitted; None as the recipe says.
    starts : int or None
        How many starts will be tried; None as the recipe says.
    """
    reading = _START + _READ * pixels * max(bands, _FEWEST_BANDS) * item_bytes
    if recipe.preset is Preset.REGIONS:
        return reading + _REGIONS + _REGIONS_PIXEL * pixels
    k = clusters or recipe.n_clusters or _USUAL_CHOICE
    features = _quadratic_features(recipe, bands)
    # Of three bands of 8 bits without texture and position a table of all colours is enough.
    by_colour = bands == 3 and item_bytes == 1 and not recipe.texture and not recipe.position
    measuring = pixels * (_TEXTURE * recipe.texture + _SPACE * (recipe.features is not Features.RGB))
    starting = (recipe.restarts if starts is None else starts) * _start_seconds(pixels, k, features)
    values = _fitted_values(pixels, recipe, k, by_colour=by_colour)
    fitting = values * k * (_EVALUATE_FEATURE * features + _EVALUATE) * (_PRECISE if item_bytes > 1 else 1.0)
    if recipe.exact:
        measuring += _COUNT_ALL * pixels
    if clusters is None and recipe.n_clusters is None:
        starting += _CHOOSE * features
    if recipe.covariance is Covariance.MIXED:
        fitting += _mixed_seconds(pixels, recipe, k, features, by_colour=by_colour)
    labelling = pixels * k * (_LABEL_COLOUR if by_colour else _LABEL_FEATURE * features)
    return reading + measuring + starting + fitting + labelling + _surroundings_seconds(pixels, k, recipe)


def _quadratic_features(recipe: Recipe, bands: int) -> int:
    """Return how many monomials up to degree two there are of the values of a pixel."""
    own = {Features.RGB: bands, Features.GRAY: 1}.get(recipe.features, 3)
    values = own + recipe.texture + 2 * recipe.position
    return 1 + values + values * (values + 1) // 2


def _evaluations(recipe: Recipe, k: int, *, tolerance: float | None = None) -> float:
    """Return how many evaluations of EM a fit usually takes; some pictures take ten times as many."""
    finer = math.log10(1e-5 / (recipe.tolerance if tolerance is None else tolerance))
    factor = 1 + 0.75 * finer if finer > 0 else max(0.3, 1 + 0.25 * finer)
    return min(recipe.max_iterations, (4 + k * k / 12) * factor)


def _start_seconds(pixels: int, k: int, features: int) -> float:
    """Return what one start costs: with twice the components at first, merged down one by one."""
    return 1.5 * k * (12 + k) * min(pixels, _FEW) * (_TRY_FEATURE * features + _TRY)


def _fitted_values(pixels: int, recipe: Recipe, k: int, *, by_colour: bool) -> float:
    """Return how many values all evaluations of the fit see; the same colours count once."""
    sample = min(pixels, _SAMPLE) * (_DISTINCT if by_colour else 1.0)
    seen = _evaluations(recipe, k) * sample
    if recipe.exact:
        distinct = pixels / (1 + (pixels / _REPEATED) ** 0.75) if by_colour else float(pixels)
        seen += _evaluations(recipe, k, tolerance=min(1e-7, recipe.tolerance)) / 1.5 * distinct  # begins near the end
    return seen


def _mixed_seconds(pixels: int, recipe: Recipe, k: int, features: int, *, by_colour: bool) -> float:
    """Return what mixed pixels cost: a fit of many more Gaussians than clusters, mostly on few pixels."""
    values = _MIXED_STEPS * min(pixels, _FEW)
    if recipe.exact:
        values += _MIXED_STEPS * (pixels / (1 + (pixels / _REPEATED) ** 0.75) if by_colour else pixels)
    return values * _MIXED_ROWS * k * (_EVALUATE_FEATURE * features + _EVALUATE)


def _surroundings_seconds(pixels: int, k: int, recipe: Recipe) -> float:
    """Return what smoothing and cleaning cost."""
    smoothing = _SMOOTH * pixels * k + _FIT_SMOOTH * min(pixels, _SMOOTHED) * k if recipe.smoothness else 0.0
    return smoothing + (_CLEAN * pixels * k if recipe.smallest_region else 0.0)
