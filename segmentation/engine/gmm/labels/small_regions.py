"""Merge small connected regions of a label map into the neighbouring region whose component fits them best."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import Float, Indices, blocks, expand
from segmentation.engine.progress import OnFraction, ignore_progress, subrange

_REPORT = 256  # merged regions between two reports of progress

_PIXELS = 2**18  # pixels whose features are processed at a time

Labels = NDArray[np.uint8]
ValuesOf = Callable[[slice], NDArray[np.generic]]
"""Returns the features (h, W, D) of the given rows."""


def merge_small_regions(
    labels: Labels,
    values_of: ValuesOf,
    mixture: Mixture,
    smallest: float,
    no_data: int = 255,
    *,
    on_fraction: OnFraction = ignore_progress,
) -> Labels:
    """Return the labels with every connected region below a share of the picture merged into a neighbouring region.

    The smallest region is merged first, into the neighbour whose component has the largest mean log joint density over the
    region's pixels; on a tie the smaller label. A region that reaches the limit by mergers stays. A region without neighbours
    stays, too.

    Parameters
    ----------
    labels : ndarray, shape (H, W), uint8
        Component of each pixel.
    values_of : callable
        Returns the features that the mixture is fitted to.
    mixture : Mixture
    smallest : float
        Area below which a region is merged, as a share of the pixels with data, 0 to 1.
    no_data : int
        The label of pixels without data, which are never merged.
    on_fraction : callable
        Called with the fraction of the work that is done, up to 1.

    Returns
    -------
    ndarray, shape (H, W), uint8
    """
    regions = _Regions.of(labels)
    limit = smallest * np.count_nonzero(labels != no_data)
    small = np.flatnonzero((regions.areas < limit) & (regions.labels != no_data))
    if not len(small):
        return labels.copy()
    on_fraction(0.2)
    scores = _scores(regions, values_of, mixture, small, subrange(on_fraction, 0.2, 0.6))
    parents = _merge(regions, scores, limit, no_data, subrange(on_fraction, 0.6, 1))
    merged: Labels = regions.labels[parents][regions.numbers]
    return merged


@dataclass(frozen=True, slots=True, eq=False)
class _Regions:
    """The connected regions (4 neighbours) of a label map."""

    numbers: NDArray[np.intp]  # (H, W) region of each pixel
    labels: Labels  # (n,) label of each region
    areas: Indices  # (n,) pixels of each region

    @classmethod
    def of(cls, labels: Labels) -> "_Regions":
        from skimage.measure import label  # noqa: PLC0415 - slow to import, and rarely needed

        numbers: NDArray[np.intp] = label(labels, connectivity=1, background=-1)  # type: ignore[no-untyped-call]  # scikit-image has no types
        numbers -= 1
        areas = np.bincount(numbers.ravel())
        own = np.empty(len(areas), np.uint8)
        own[numbers.ravel()] = labels.ravel()
        return cls(numbers, own, areas)

    def neighbours_of(self, numbers: list[int], no_data: int) -> dict[int, set[int]]:
        """Return, for each of the regions `numbers`, which regions with data it touches."""
        n = len(self.areas)
        codes = []
        for one, other in ((self.numbers[:, 1:], self.numbers[:, :-1]), (self.numbers[1:], self.numbers[:-1])):
            differ = one != other
            codes.append(np.unique(one[differ] * n + other[differ]))
        ones, others = np.divmod(np.unique(np.concatenate(codes)), n)
        firsts, seconds = np.concatenate([ones, others]), np.concatenate([others, ones])
        has_data = self.labels[seconds] != no_data
        firsts, seconds = firsts[has_data], seconds[has_data]
        seconds = seconds[np.argsort(firsts, kind="stable")]
        ends = np.cumsum(np.bincount(firsts, minlength=n)).tolist()
        found = seconds.tolist()
        return {number: set(found[ends[number - 1] if number else 0 : ends[number]]) for number in numbers}


def _scores(
    regions: _Regions, values_of: ValuesOf, mixture: Mixture, small: Indices, on_fraction: OnFraction
) -> dict[int, Float]:
    """Return the sum of the log joint densities (K,) over each small region, computed from its sums of phi."""
    theta = mixture.theta()
    slot = np.full(len(regions.areas), -1)  # row of each small region in `sums`
    slot[small] = np.arange(len(small))
    sums = np.zeros((len(small), theta.shape[1]))
    height, width = regions.numbers.shape
    length = max(_PIXELS // width, 1)
    for begin in range(0, height, length):
        rows = slice(begin, min(begin + length, height))
        slots = slot[regions.numbers[rows]]
        is_small = slots >= 0
        values, slots = values_of(rows)[is_small], slots[is_small]
        for block in blocks(len(values), *theta.shape):
            for column, monomial in enumerate(expand(values[block])):
                sums[:, column] += np.bincount(slots[block], monomial, len(small))
        on_fraction(rows.stop / height)
    return dict(zip(small.tolist(), sums @ theta.T, strict=True))


class _Merger:
    """A union-find structure of regions, with the neighbours and scores of the small ones."""

    def __init__(self, regions: _Regions, scores: dict[int, Float], no_data: int) -> None:
        self.parent = list(range(len(regions.areas)))
        self.areas, self.labels = regions.areas.tolist(), regions.labels.tolist()
        self.scores = scores
        self.neighbours = regions.neighbours_of(list(scores), no_data)

    def root(self, number: int) -> int:
        """Return the region that a region has been merged into, or itself."""
        while self.parent[number] != number:
            self.parent[number] = self.parent[self.parent[number]]
            number = self.parent[number]
        return number

    def join(self, number: int) -> int | None:
        """Merge a region into its best neighbour and return that; None if it has no neighbours."""
        roots = {self.root(other) for other in self.neighbours[number]} - {number}
        if not roots:
            return None
        score = self.scores[number]
        best = min(roots, key=lambda other: (-score[self.labels[other]], self.labels[other], other))
        self.parent[number] = best
        self.areas[best] += self.areas[number]
        if best in self.neighbours:
            self.neighbours[best] |= roots - {best}
            self.scores[best] = self.scores[best] + score
        return best


def _merge(
    regions: _Regions, scores: dict[int, Float], limit: float, no_data: int, on_fraction: OnFraction
) -> NDArray[np.intp]:
    """Return the region (n,) that each region is merged into, after merging until no region is below the limit."""
    merger = _Merger(regions, scores, no_data)
    queue = [(merger.areas[number], number) for number in scores]
    heapq.heapify(queue)
    joined, total = 0, len(queue)
    while queue:
        if joined % _REPORT == 0:
            on_fraction(joined / total)
        area, number = heapq.heappop(queue)
        if merger.parent[number] != number or merger.areas[number] != area:
            continue  # the entry is outdated: the region has been merged or has grown
        best = merger.join(number)
        joined += 1
        if best in scores and merger.areas[best] < limit:
            heapq.heappush(queue, (merger.areas[best], best))
    return np.array([merger.root(number) for number in range(len(merger.parent))])
