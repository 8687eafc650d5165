"""The expected cost of a run, in seconds of one core of the machine on which the constants were measured (speed 1).

Scheduling, queue position, time left and time limit use it. `benchmarks/allowance.py` compares it with measured times: nearly all
are within a factor of three. The number of iterations cannot be predicted, so some runs take longer.
"""

import math
from collections.abc import Mapping

import numpy as np

from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.recipe import Covariance, Features, Inputs, Preset, Recipe
from segmentation.models import Image, Run

# Pixels and values.
_SAMPLE = 131_072  # pixels that are fitted
_START_SAMPLE = 4_096  # pixels on which starts are tried
_SMOOTHED = 200_000  # pixels in the windows to which the smoothing model is fitted
_DISTINCT = 0.6  # number of distinct colours by number of pixels, in a sample of a 24-bit picture
_REPEATED = 1.6e6  # pixels of a picture that has half as many distinct colours
_USUAL_CHOICE = 9  # number of clusters that the engine usually chooses for a photograph
_FEWEST_BANDS = 3  # grey pictures are converted to three bands
_MIXED_STEPS, _MIXED_ROWS = 40, 9  # steps of EM with mixed pixels, and Gaussians for each cluster

# Seconds, per unit as the comment says.
_START = 0.09  # per run
_READ = 9.5e-9  # per byte
_TEXTURE = 2.0e-8  # per pixel and scale
_SPACE = 8e-9  # per pixel, for the conversion to a colour space
_COUNT_ALL = 1.2e-8  # per pixel, for counting all distinct colours
_CHOOSE = 6.5e-4  # per feature, for choosing the number of clusters; features here are the monomials up to degree two of the values of a pixel
_EVALUATE, _EVALUATE_FEATURE = 1.6e-9, 1.2e-10  # per value and component; the second per feature as well
_PRECISE = 1.5  # factor of both for values of more than 8 bits
_TRY, _TRY_FEATURE = 7.9e-9, 3.3e-10  # as the two above, for trying starts on few pixels
_LABEL_COLOUR = 4.8e-10  # per pixel and component, with a table of all colours
_LABEL_FEATURE = 5.5e-10  # per pixel, component and feature
_SMOOTH, _FIT_SMOOTH = 2.6e-8, 2.8e-7  # per pixel and component
_CLEAN = 1.5e-8  # per pixel and component
_REGIONS, _REGIONS_PIXEL = 0.6, 1.2e-7  # per run, and per pixel, of the preset regions


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
    """Return the expected cost of a stored run; 0 if recipe or inputs are not valid, because it will fail at once."""
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
    """Return the expected cost of a recipe on a picture, in seconds of one core at speed 1.

    Parameters
    ----------
    pixels, bands, item_bytes : int
        Numbers of pixels, of values a pixel and of bytes a value in the stored picture.
    recipe : Recipe
    clusters : int or None
        Number of clusters that will be fitted; None for that of the recipe.
    starts : int or None
        Number of starts that will be tried; None for that of the recipe.
    """
    reading = _START + _READ * pixels * max(bands, _FEWEST_BANDS) * item_bytes
    if recipe.preset is Preset.REGIONS:
        return reading + _REGIONS + _REGIONS_PIXEL * pixels
    k = clusters or recipe.n_clusters or _USUAL_CHOICE
    features = _quadratic_features(recipe, bands)
    # With three bands of 8 bits, no texture and no position, labels are read from a table of all colours.
    by_colour = bands == 3 and item_bytes == 1 and not recipe.texture and not recipe.position
    extracting = pixels * (_TEXTURE * recipe.texture + _SPACE * (recipe.features is not Features.RGB))
    starting = (recipe.restarts if starts is None else starts) * _start_seconds(pixels, k, features)
    values = _fitted_values(pixels, recipe, k, by_colour=by_colour)
    fitting = values * k * (_EVALUATE_FEATURE * features + _EVALUATE) * (_PRECISE if item_bytes > 1 else 1.0)
    if recipe.exact:
        extracting += _COUNT_ALL * pixels
    if clusters is None and recipe.n_clusters is None:
        starting += _CHOOSE * features
    if recipe.covariance is Covariance.MIXED:
        fitting += _mixed_seconds(pixels, recipe, k, features, by_colour=by_colour)
    labelling = pixels * k * (_LABEL_COLOUR if by_colour else _LABEL_FEATURE * features)
    return reading + extracting + starting + fitting + labelling + _surroundings_seconds(pixels, k, recipe)


def _quadratic_features(recipe: Recipe, bands: int) -> int:
    """Return the number of monomials up to degree two of the values of a pixel."""
    own = {Features.RGB: bands, Features.GRAY: 1}.get(recipe.features, 3)
    values = own + recipe.texture + 2 * recipe.position
    return 1 + values + values * (values + 1) // 2


def _evaluations(recipe: Recipe, k: int, *, tolerance: float | None = None) -> float:
    """Return the usual number of EM iterations of a fit; some pictures need ten times as many."""
    finer = math.log10(1e-5 / (recipe.tolerance if tolerance is None else tolerance))
    factor = 1 + 0.75 * finer if finer > 0 else max(0.3, 1 + 0.25 * finer)
    return min(recipe.max_iterations, (4 + k * k / 12) * factor)


def _start_seconds(pixels: int, k: int, features: int) -> float:
    """Return the cost of one start, which begins with twice the number of components and merges them one by one."""
    return 1.5 * k * (12 + k) * min(pixels, _START_SAMPLE) * (_TRY_FEATURE * features + _TRY)


def _fitted_values(pixels: int, recipe: Recipe, k: int, *, by_colour: bool) -> float:
    """Return the number of values over all iterations of the fit; equal colours count once."""
    sample = min(pixels, _SAMPLE) * (_DISTINCT if by_colour else 1.0)
    seen = _evaluations(recipe, k) * sample
    if recipe.exact:
        distinct = pixels / (1 + (pixels / _REPEATED) ** 0.75) if by_colour else float(pixels)
        # It starts from the fit of the sample
        seen += _evaluations(recipe, k, tolerance=min(1e-7, recipe.tolerance)) / 1.5 * distinct
    return seen


def _mixed_seconds(pixels: int, recipe: Recipe, k: int, features: int, *, by_colour: bool) -> float:
    """Return what mixed pixels cost: a fit of many more Gaussians than clusters, mostly on few pixels."""
    values = float(_MIXED_STEPS * min(pixels, _START_SAMPLE))
    if recipe.exact:
        values += _MIXED_STEPS * (pixels / (1 + (pixels / _REPEATED) ** 0.75) if by_colour else pixels)
    return values * _MIXED_ROWS * k * (_EVALUATE_FEATURE * features + _EVALUATE)


def _surroundings_seconds(pixels: int, k: int, recipe: Recipe) -> float:
    """Return the cost of smoothing and of removing small regions."""
    smoothing = _SMOOTH * pixels * k + _FIT_SMOOTH * min(pixels, _SMOOTHED) * k if recipe.smoothness else 0.0
    return smoothing + (_CLEAN * pixels * k if recipe.smallest_region else 0.0)
