"""The whole of *Regions*: pixels in, coherent regions out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.gmm.features.colour_spaces import lab
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import Float32
from segmentation.engine.gmm.regions.energy import energies
from segmentation.engine.gmm.regions.families import FLOOR, Float, expand, gaussians
from segmentation.engine.gmm.regions.features import features
from segmentation.engine.gmm.regions.graph import build, membership
from segmentation.engine.gmm.regions.leaves import leaves
from segmentation.engine.gmm.regions.merging import merge_all
from segmentation.engine.gmm.regions.mixtures import fit
from segmentation.engine.gmm.regions.refinement import Laws, areas, refine
from segmentation.engine.gmm.regions.resampling import averaged_valid, pyramid
from segmentation.engine.gmm.regions.tree import Tree
from segmentation.engine.progress import OnFraction, OnProgress, Stage, part

STOP = 0.126
"""Cost that two regions must exceed to stay apart: where, on half of the photographs, people agree best."""

PIXELS = 155_000
"""Of the picture that is analysed: larger ones are reduced to it. All distances in this package are meant there."""

MOST = 254
_NARROW = 64  # pixels
NO_DATA = 255

_FITTED, _JUDGED, _COMPARED = 0.25, 0.4, 0.75  # of the time of the analysis, when that is done

Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class RegionSegmentation:
    """Regions of a picture, and the tree that they were cut from."""

    labels: Labels  # (H, W); regions by ascending mean lightness, 255 no data
    mixture: Mixture  # one Gaussian a region over the 7 values of `features.features`; weights are areas
    tree: Tree
    leaves: NDArray[np.int32]  # (h, w), leaf of the tree, of the picture as it was analysed
    regions: Labels  # (n_leaves,) label of each leaf
    cost: float  # `Tree.cost_at` of this cut

    @property
    def n_regions(self) -> int:
        return self.mixture.n_components

    @property
    def n_leaves(self) -> int:
        return self.tree.n_leaves


def segment_regions(
    pixels: NDArray[np.uint8],
    *,
    n_regions: int | None = None,
    valid: Mask | None = None,
    on_progress: OnProgress = lambda _stage, _fraction: None,
) -> RegionSegmentation:
    """Cut a picture into coherent regions. Nothing is drawn at random.

    Parameters
    ----------
    pixels : ndarray, shape (H, W, 3), uint8
        sRGB.
    n_regions : int, optional
        At most so many regions, cut to 254; by default chosen automatically (`STOP`).
    valid : ndarray, shape (H, W), bool, optional
        False where the picture has no data.
    on_progress : callable
        Told the stage and the fraction of it that is done.

    Returns
    -------
    RegionSegmentation

    Raises
    ------
    SegmentationError
        ``empty``, when no pixel is valid.
    TypeError, ValueError
        For other dtypes or shapes, or fewer than one region.
    """
    check(pixels, valid, n_regions)
    shape = analysed_shape(*pixels.shape[:2])
    levels = pyramid(pixels, valid, shape)
    small, there = averaged_valid(levels[-1], shape)
    colours = lab(small.transpose(2, 0, 1))
    analysis = _analyse(colours, there, lambda fraction: on_progress(Stage.FITTING, fraction))
    on_progress(Stage.LABELLING, 0.0)
    count = analysis.tree.natural_count(STOP) if n_regions is None else n_regions
    regions, moments = _ordered(analysis, there, min(count, MOST))
    labels = regions[analysis.leaves]
    laws = Laws.of(colours, analysis.posterior, labels, there)
    labels = refine(labels, levels[::-1], laws)
    if valid is not None:
        labels = np.where(valid, labels, np.uint8(NO_DATA))
    on_progress(Stage.LABELLING, 1.0)
    return RegionSegmentation(
        labels=labels,
        mixture=_mixture(moments, areas(labels)[: len(moments)]),
        tree=analysis.tree,
        leaves=analysis.leaves,
        regions=regions,
        cost=analysis.tree.cost_at(count),
    )


def analysed_shape(height: int, width: int) -> tuple[int, int]:
    """Of the reduced picture: at most `PIXELS` in all, the sides in proportion.

    A side counts as at least `_NARROW`, because the surroundings of every line are blurred with it.

    >>> analysed_shape(321, 481), analysed_shape(3000, 4000), analysed_shape(1, 10**7)
    ((321, 481), (340, 454), (1, 2421))
    """
    ratio = min((PIXELS / (height * width)) ** 0.5, 1.0)
    rows, columns = (min(max(int(n * ratio), 1), PIXELS // _NARROW) for n in (height, width))
    return min(rows, PIXELS // max(columns, _NARROW)), min(columns, PIXELS // max(rows, _NARROW))


@dataclass(frozen=True, slots=True, eq=False)
class _Analysis:
    """What is known of the reduced picture."""

    features: Float32  # (7, h, w)
    posterior: Float32  # (K, h, w) under the largest mixture
    leaves: NDArray[np.int32]  # (h, w)
    tree: Tree


def _analyse(colours: Float32, valid: Mask, on_fraction: OnFraction) -> _Analysis:
    """From colours (3, h, w) to the tree of all merges."""
    measured = features(colours)
    ensemble = fit(measured, valid, part(on_fraction, 0, _FITTED))
    posteriors = ensemble.posteriors(measured, part(on_fraction, _FITTED, _JUDGED))
    energy = energies(posteriors, part(on_fraction, _JUDGED, _COMPARED))
    basins = leaves(energy)
    graph = build(basins, energy, posteriors, valid)
    tree = merge_all(graph, part(on_fraction, _COMPARED, 1))
    return _Analysis(measured, posteriors[-1], basins, tree)


def _ordered(analysis: _Analysis, valid: Mask, count: int) -> tuple[Labels, Float]:
    """Cut the tree: the label of each leaf by ascending lightness, and each region's sums (R, F) of `expand`.

    A region without a valid pixel can only be a hole's inside; it takes the first label, and nobody sees it.
    """
    region = analysis.tree.cut(count)
    flat = analysis.features.reshape(len(analysis.features), -1)
    moments = (membership(region[analysis.leaves], valid) @ np.ascontiguousarray(expand(flat).T)).astype(np.float64)
    seen = moments[:, 0] > 0
    order = np.argsort(moments[seen, 1] / moments[seen, 0], kind="stable")
    rank = np.zeros(len(moments), np.uint8)
    rank[np.flatnonzero(seen)[order]] = np.arange(len(order))
    return rank[region], moments[seen][order]


def _mixture(moments: Float, pixels: NDArray[np.intp]) -> Mixture:
    """One Gaussian a region; one that refinement left without a pixel keeps the weight of one."""
    _, means, covariances = gaussians(moments)
    weights = np.maximum(pixels, 1)
    return Mixture(weights / weights.sum(), means, covariances + FLOOR * np.eye(means.shape[1]))


def check(pixels: NDArray[np.uint8], valid: Mask | None, n_regions: int | None) -> None:
    """Require arguments that make sense; raises as `segment_regions` does."""
    if pixels.dtype != np.uint8 or (valid is not None and valid.dtype != np.bool_):
        raise TypeError("pixels must be uint8, and valid must be bool")
    if pixels.ndim != 3 or pixels.shape[2] != 3 or (valid is not None and valid.shape != pixels.shape[:2]):
        raise ValueError("pixels must have shape (H, W, 3), and valid (H, W)")
    if n_regions is not None and n_regions < 1:
        raise ValueError("n_regions must be at least 1")
    if pixels.size == 0 or (valid is not None and not valid.any()):
        raise SegmentationError(
            "empty", gettext_noop("The picture has no visible pixels: choose one that is not fully transparent.")
        )
