"""The preset *Regions*: segment a picture into connected regions, each of which is one component of the result."""

import time
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.features.units import Units
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import triangle
from segmentation.engine.gmm.pixels.distinct_colours import count_colours
from segmentation.engine.gmm.regions.features import NAMES
from segmentation.engine.gmm.regions.segmentation import Labels, Mask, check_arguments, segment_regions
from segmentation.engine.gmm.result import Segmentation
from segmentation.engine.gmm.statistics.components import Component, bounding_boxes, count_border_pixels
from segmentation.engine.progress import OnProgress, Stage, ignore_stage_progress
from segmentation.engine.recipe import Recipe

_BLOCK_PIXELS = 2**20  # pixels that are processed at a time


def segment(
    pixels: NDArray[np.uint8], recipe: Recipe, *, valid: Mask | None = None, on_progress: OnProgress | None = None
) -> Segmentation:
    """Segment a picture into regions; each region is a component of the result.

    Parameters and errors are those of `segmentation.segment`. There is no history, because regions are merged rather than
    iterated. The log-likelihood is the classification likelihood (Symons, 1981): each pixel under the Gaussian of its own
    region over the features of `regions.features`.
    """
    report = on_progress or ignore_stage_progress
    started = time.perf_counter()
    report(Stage.COUNTING, 0.0)
    check_arguments(pixels, valid, recipe.n_clusters)
    flat, mask = np.ascontiguousarray(pixels).reshape(-1, 3), None if valid is None else valid.reshape(-1)
    colours = count_colours(flat, mask, lambda fraction: report(Stage.COUNTING, fraction))
    counted = time.perf_counter()
    found = segment_regions(pixels, n_regions=recipe.n_clusters, valid=valid, on_progress=report)
    fitted = time.perf_counter()
    components = region_components(pixels, found.labels, found.n_regions)
    return Segmentation(
        labels=found.labels,
        mixture=found.mixture,
        log_likelihood=classification_likelihood(found.mixture),
        log_likelihood_error=0.0,
        history=np.empty(0),
        path=np.empty((0, found.n_regions, 1)),
        iterations=0,
        converged=True,
        components=components,
        distinct_colours=len(colours),
        fitted_pixels=colours.pixels,
        valid_pixels=colours.pixels,
        units=Units.identity(3),
        names=NAMES,
        choice=None,
        candidate_maps=None,
        seconds={
            Stage.COUNTING.value: counted - started,
            Stage.FITTING.value: fitted - counted,
            Stage.LABELLING.value: time.perf_counter() - fitted,
        },
        hierarchy=found,
    )


def classification_likelihood(mixture: Mixture) -> float:
    """Return the mean over pixels of log(weight_k N(x | mean_k, covariance_k)), where k is the region of the pixel.

    Mean and covariance are those of the region's pixels, so the mean of the quadratic form in the Gaussian is D, the number
    of features, and no pixel needs to be read.
    """
    dimension = mixture.means.shape[1]
    _, log_determinants = np.linalg.slogdet(mixture.covariances)
    own = np.log(mixture.weights) - (dimension * (1 + np.log(2 * np.pi)) + log_determinants) / 2
    return float((mixture.weights * own).sum())


def region_components(pixels: NDArray[np.uint8], labels: Labels, n_regions: int) -> tuple[Component, ...]:
    """Return the exact statistics of the pixels of each region; every pixel belongs to one region, so soft areas are areas.

    Parameters
    ----------
    pixels : ndarray, shape (H, W, 3), uint8
    labels : ndarray, shape (H, W), uint8
    n_regions : int
        Labels from `n_regions` on are ignored.
    """
    rows, columns = triangle(3)
    areas, sums = np.zeros(256, np.int64), np.zeros((9, 256))
    for part in _row_blocks(labels):
        where, colour = labels[part].ravel(), pixels[part].reshape(-1, 3).T.astype(np.float64)
        areas += np.bincount(where, minlength=256)
        values = [*colour, *(colour[i] * colour[j] for i, j in zip(rows, columns, strict=True))]
        sums += [np.bincount(where, weights=value, minlength=256) for value in values]
    border, around = count_border_pixels(labels, n_regions), bounding_boxes(labels, n_regions)
    return tuple(
        Component(
            pixels=int(areas[k]),
            soft_pixels=float(areas[k]),
            border_pixels=int(border[k]),
            sum=tuple(sums[:3, k].tolist()),
            products=tuple(sums[3:, k].tolist()),
            box=around[k],
        )
        for k in range(n_regions)
    )


def _row_blocks(labels: Labels) -> Iterator[slice]:
    height, width = labels.shape
    rows = max(1, _BLOCK_PIXELS // width)
    return (slice(first, min(first + rows, height)) for first in range(0, height, rows))
