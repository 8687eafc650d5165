"""Segment a picture into connected regions: the algorithm of the preset *Regions*."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.gmm.features.colour_spaces import lab
from segmentation.engine.gmm.fit.em import estimate
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import Float, Float32, monomials
from segmentation.engine.gmm.regions.energy import energies
from segmentation.engine.gmm.regions.features import region_features
from segmentation.engine.gmm.regions.graph import Graph, build_graph
from segmentation.engine.gmm.regions.learnt_weights import STOP_COST
from segmentation.engine.gmm.regions.merging import merge_all
from segmentation.engine.gmm.regions.mixtures import FLOOR, fit_ensemble
from segmentation.engine.gmm.regions.refinement import RegionDistributions, areas, refine
from segmentation.engine.gmm.regions.region_sums import membership, sum_members
from segmentation.engine.gmm.regions.resampling import area_average_valid, pyramid
from segmentation.engine.gmm.regions.tree import Tree
from segmentation.engine.gmm.regions.watershed import watershed_leaves
from segmentation.engine.progress import OnFraction, OnProgress, Stage, ignore_progress, ignore_stage_progress, subrange

PIXELS = 155_000
"""Number of pixels to which larger pictures are reduced for the analysis. Distances in this package refer to that size."""

MAX_REGIONS = 254
_MIN_SIDE = 64  # pixels
NO_DATA = 255

_GRAPH_DONE = 0.75  # fraction of the time of fitting
_MIXTURES_DONE, _POSTERIORS_DONE = 0.33, 0.53  # fractions of the time of the analysis

Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class RegionSegmentation:
    """The regions of a picture, and the tree of mergers from which they were cut."""

    labels: Labels  # (H, W) regions by ascending mean lightness, 255 no data
    mixture: Mixture  # one Gaussian for each region over the 7 features of `region_features`; weights are areas
    tree: Tree
    leaves: NDArray[np.int32]  # (h, w) leaf of each pixel of the reduced picture
    regions: Labels  # (n_leaves,) label of each leaf
    cost: float  # `Tree.cost_at` for this number of regions

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
    on_progress: OnProgress = ignore_stage_progress,
) -> RegionSegmentation:
    """Segment a picture into connected regions. The algorithm is deterministic.

    Parameters
    ----------
    pixels : ndarray, shape (H, W, 3), uint8
        sRGB.
    n_regions : int, optional
        Largest number of regions; numbers above 254 count as 254. By default, regions are merged until every
        border costs more than `STOP_COST`.
    valid : ndarray, shape (H, W), bool, optional
        False where the picture has no data.
    on_progress : callable
        Called with the stage and the fraction of it that is done.

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
    check_arguments(pixels, valid, n_regions)
    shape = analysed_shape(*pixels.shape[:2])
    levels = pyramid(pixels, valid, shape)
    small, has_data = area_average_valid(levels[-1], shape)
    colours = lab(small.transpose(2, 0, 1))

    def on_fraction(fraction: float) -> None:
        on_progress(Stage.FITTING, fraction)

    analysis = analyse(colours, has_data, subrange(on_fraction, 0, _GRAPH_DONE))
    tree = merge_all(analysis.graph, subrange(on_fraction, _GRAPH_DONE, 1))
    on_progress(Stage.LABELLING, 0.0)
    count = tree.n_regions_at(STOP_COST) if n_regions is None else n_regions
    regions, moments = _ordered(analysis, tree.cut(min(count, MAX_REGIONS)), has_data)
    labels = regions[analysis.leaves]
    distributions = RegionDistributions.of(colours, analysis.posterior, labels, has_data)
    labels = refine(labels, levels[::-1], distributions)
    if valid is not None:
        labels = np.where(valid, labels, np.uint8(NO_DATA))
    on_progress(Stage.LABELLING, 1.0)
    return RegionSegmentation(
        labels=labels,
        mixture=_mixture(moments, areas(labels)[: len(moments)]),
        tree=tree,
        leaves=analysis.leaves,
        regions=regions,
        cost=tree.cost_at(count),
    )


def analysed_shape(height: int, width: int) -> tuple[int, int]:
    """Return the shape of the reduced picture: at most `PIXELS` pixels, with the same proportions.

    Each side counts as at least `_MIN_SIDE` pixels, because blurring adds margins to every row.

    >>> analysed_shape(321, 481), analysed_shape(3000, 4000), analysed_shape(1, 10**7)
    ((321, 481), (340, 454), (1, 2421))
    """
    ratio = min((PIXELS / (height * width)) ** 0.5, 1.0)
    rows, columns = (min(max(int(n * ratio), 1), PIXELS // _MIN_SIDE) for n in (height, width))
    return min(rows, PIXELS // max(columns, _MIN_SIDE)), min(columns, PIXELS // max(rows, _MIN_SIDE))


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """What is known of the reduced picture before regions are merged."""

    features: Float32  # (7, h, w)
    posterior: Float32  # (K, h, w) under the largest mixture
    leaves: NDArray[np.int32]  # (h, w) leaf of each pixel
    graph: Graph  # of the leaves


def analyse(colours: Float32, valid: Mask, on_fraction: OnFraction = ignore_progress) -> Analysis:
    """Return the leaves of a picture, given as L*a*b* (3, h, w), and the graph of their borders.

    Only pixels that are `valid` (h, w) are counted.
    """
    features = region_features(colours)
    ensemble = fit_ensemble(features, valid, subrange(on_fraction, 0, _MIXTURES_DONE))
    posteriors = ensemble.posteriors(features, subrange(on_fraction, _MIXTURES_DONE, _POSTERIORS_DONE))
    energy = energies(posteriors, subrange(on_fraction, _POSTERIORS_DONE, 1))
    leaves = watershed_leaves(energy)
    graph = build_graph(leaves, features[:3], energy, posteriors, valid)
    return Analysis(features, posteriors[-1], leaves, graph)


def _ordered(analysis: Analysis, region: NDArray[np.intp], valid: Mask) -> tuple[Labels, Float]:
    """Return the label of each leaf, by ascending lightness, and the sums (R, F) of `monomials` over each region (n,).

    A region without a valid pixel lies inside a hole; it gets the first label, which is replaced by `NO_DATA` later.
    """
    flat = analysis.features.reshape(len(analysis.features), -1)
    moments = sum_members(membership(region[analysis.leaves], valid), monomials(flat)).astype(np.float64)
    with_data = moments[:, 0] > 0
    order = np.argsort(moments[with_data, 1] / moments[with_data, 0], kind="stable")
    rank = np.zeros(len(moments), np.uint8)
    rank[np.flatnonzero(with_data)[order]] = np.arange(len(order))
    return rank[region], moments[with_data][order]


def _mixture(moments: Float, pixels: NDArray[np.intp]) -> Mixture:
    """Return the mixture with one Gaussian for each region; a region without pixels after refinement counts as one pixel."""
    _, means, covariances = estimate(moments, 0.0)
    weights = np.maximum(pixels, 1)
    return Mixture(weights / weights.sum(), means, covariances + FLOOR * np.eye(means.shape[1]))


def check_arguments(pixels: NDArray[np.uint8], valid: Mask | None, n_regions: int | None) -> None:
    """Raise the errors of `segment_regions` for arguments of other types, shapes or values."""
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
