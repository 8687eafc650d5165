"""Areas by coverage: each pixel counts for every component with the share of the pixel that the component covers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.mixed_pixels.fitting import MixedPixelFit
from segmentation.engine.gmm.mixed_pixels.model import NODES
from segmentation.engine.gmm.mixture.densities import in_sufficient_precision, posterior
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import Float, Indices, blocks, expand
from segmentation.engine.gmm.pixels.sample import Sample

COVERAGE_PIXELS = 2**14
"""Pixels that coverage is computed from, unless all pixels were fitted."""

_MARGIN = 0.002  # of the picture, added to the range at both ends
_OF_MIXED = 0.25  # half width of the range at least, relative to the mixed pixels


@dataclass(frozen=True, slots=True)
class CoveredArea:
    """The area of a cluster by coverage, as a share of all valid pixels, 0 to 1."""

    share: float
    low: float  # the range that holds the true area of nine in ten phases whose structures are resolved
    high: float
    mixed: float  # share of the pixels that are partly covered by the cluster and partly by another

    def to_mapping(self) -> dict[str, float]:
        """Return `share`, `low` and `high` as a JSON object."""
        return {"share": self.share, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """The areas of K components by coverage, kept so that those of merged components follow by adding.

    All are shares of the valid pixels; `pure` and `shared` together have the sum 1.
    """

    pure: Float  # (K,) pixels that lie wholly in a component
    pairs: Indices  # (P, 2) components i > j with mixed pixels
    shared: Float  # (P, 2) area of i and of j within the mixed pixels of each pair
    by_labels: Float  # (K,) areas by labels, before smoothing
    by_tied: Float  # (K,) areas by the posterior of a tied mixture without mixed pixels

    @property
    def n_components(self) -> int:
        return len(self.pure)

    @property
    def mixed(self) -> float:
        """Share of the pixels that are mixed."""
        return float(self.shared.sum())

    def components(self) -> tuple[CoveredArea, ...]:
        """Return the area of each component."""
        return self.clusters([(number,) for number in range(self.n_components)])

    def clusters(self, groups: Sequence[Sequence[int]]) -> tuple[CoveredArea, ...]:
        """Return the area of each cluster, given its components.

        Mixed pixels between two components of one cluster lie wholly in the cluster. The range has a half width of
        max(|by coverage - by labels|, |by coverage - by the tied mixture|, mixed pixels / 4), plus 0.2 % of the picture.
        """
        return tuple(self._cluster(np.isin(np.arange(self.n_components), list(group))) for group in groups)

    def _cluster(self, members: NDArray[np.bool_]) -> CoveredArea:
        inside = members[self.pairs]  # (P, 2)
        share = float(self.pure[members].sum() + self.shared[inside].sum())
        mixed = float(self.shared[inside[:, 0] != inside[:, 1]].sum())
        others = (float(self.by_labels[members].sum()), float(self.by_tied[members].sum()))
        half = max(*(abs(share - other) for other in others), _OF_MIXED * mixed) + _MARGIN
        return CoveredArea(share, max(share - half, 0.0), min(share + half, 1.0), mixed)

    def disagreement(self, group: Sequence[int]) -> float:
        """Return by how much the area of a cluster by coverage differs from that of a tied mixture, a share of all pixels."""
        (area,) = self.clusters([group])
        return abs(area.share - float(self.by_tied[list(group)].sum()))

    def subset(self, numbers: Indices) -> Self:
        """Return the coverage with its components in another order."""
        position = np.empty(len(numbers), np.intp)
        position[numbers] = np.arange(len(numbers))
        return type(self)(
            self.pure[numbers], position[self.pairs], self.shared, self.by_labels[numbers], self.by_tied[numbers]
        )

    def to_mapping(self) -> dict[str, Any]:
        """Return a JSON object; every number keeps all its bits."""
        names = ("pure", "pairs", "shared", "by_labels", "by_tied")
        return {name: getattr(self, name).tolist() for name in names}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Parse what `to_mapping` has written, or the same as arrays."""
        pairs = np.array(mapping["pairs"], np.intp).reshape(-1, 2)
        shared = np.array(mapping["shared"], np.float64).reshape(-1, 2)
        pure, by_labels, by_tied = (np.array(mapping[name], np.float64) for name in ("pure", "by_labels", "by_tied"))
        return cls(pure, pairs, shared, by_labels, by_tied)


def coverage(fit: MixedPixelFit, labels: Mixture, sample: Sample, areas: NDArray[np.integer] | None) -> Coverage:
    """Return the areas by coverage.

    Parameters
    ----------
    fit : MixedPixelFit
    labels : Mixture
        The mixture that labels pixels, with the components in the same order.
    sample : Sample
    areas : ndarray, shape (K,), or None
        Pixels of each component in the label map of all pixels. What the sample has more or less of a component than the
        picture is then taken from its pure pixels (difference estimator; Cochran, 1977, chapter 7), so that only border
        pixels contribute to the sampling error. None when labels are smoothed, or the sample is all pixels.
    """
    K = labels.n_components
    of_labels = _label_shares(labels, sample)
    # A component that labels no pixel lies within another; what it would take of the other's area is no area of its own.
    seen = of_labels > 0
    kept = fit.model.rows().shares[:, ~seen].sum(axis=1) == 0
    rows, tied = np.zeros(len(kept)), np.zeros(K)
    rows[kept] = _posterior_shares(fit.model.theta()[:-1][kept], sample)  # outliers go to the likeliest row
    tied[seen] = _posterior_shares(fit.plain.theta()[seen], sample)
    halves = rows[K:].reshape(-1, NODES) @ _node_shares()
    pure = rows[:K]
    if areas is not None:
        exact = areas / areas.sum()
        pure, tied, of_labels = (np.maximum(part + exact - of_labels, 0.0) for part in (pure, tied, of_labels))
    total = pure.sum() + halves.sum()
    return Coverage(pure / total, fit.model.pairs, halves / total, of_labels / of_labels.sum(), tied / tied.sum())


def _posterior_shares(theta: Float, sample: Sample) -> Float:
    """Return the mean posterior probability of each of the given rows (R, F) over the pixels of a sample, shape (R,)."""
    parameters, shares = in_sufficient_precision(theta), np.zeros(len(theta))
    for block in blocks(len(sample.counts), *theta.shape):
        phi = expand(sample.values[block]).astype(parameters.dtype, copy=False)
        shares += posterior(parameters @ phi, sample.counts[block].astype(np.float64), np.float32)[0].sum(axis=1)
    total: Float = shares / shares.sum()
    return total


def _label_shares(mixture: Mixture, sample: Sample) -> Float:
    """Return the share of the pixels of a sample that each component labels, shape (K,)."""
    parameters, shares = in_sufficient_precision(mixture.theta()), np.zeros(mixture.n_components)
    for block in blocks(len(sample.counts), *parameters.shape):
        phi = expand(sample.values[block]).astype(parameters.dtype, copy=False)
        own = np.argmax(parameters @ phi, axis=0)
        shares += np.bincount(own, sample.counts[block], len(shares))
    total: Float = shares / shares.sum()
    return total


def _node_shares() -> Float:
    """Return the shares (M, 2) of both components at the nodes of a pair."""
    shares = (np.arange(NODES) + 0.5) / NODES
    return np.column_stack([shares, 1 - shares])
