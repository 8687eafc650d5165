"""Compare the clusters of a result: how much they overlap, and how many connected regions each has."""

import json
from dataclasses import dataclass

from segmentation.engine.gmm.fit.merging import merge_groups
from segmentation.engine.gmm.selection import criteria
from segmentation.models import Run, User
from segmentation.results import stored_result
from segmentation.services.artefacts import has_artefact, open_artefact


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """The cluster that overlaps a given cluster most, and by how much."""

    number: int  # of the other cluster, from 1
    coefficient: float  # Bhattacharyya coefficient: 0 no overlap, 1 equal distributions


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlaps:
    """The Bhattacharyya coefficient of each pair of clusters: 0 for no overlap, 1 for equal distributions."""

    coefficients: list[list[float]]  # (n, n)
    # Indices of the two clusters that overlap most; None when there is only one cluster
    merge_first: tuple[int, int] | None

    @property
    def most(self) -> float | None:
        """The largest coefficient; None when there is only one cluster."""
        return None if self.merge_first is None else self.coefficients[self.merge_first[0]][self.merge_first[1]]

    @property
    def numbers(self) -> tuple[int, int] | None:
        """The numbers (from 1) of the two clusters that overlap most; None when there is only one cluster."""
        return None if self.merge_first is None else (self.merge_first[0] + 1, self.merge_first[1] + 1)

    def nearest(self, index: int) -> Overlap | None:
        """Return the cluster that overlaps cluster `index` most (the first on a tie); None when there is no other."""
        others = [(overlap, -k) for k, overlap in enumerate(self.coefficients[index]) if k != index]
        if not others:
            return None
        coefficient, other = max(others)
        return Overlap(number=1 - other, coefficient=coefficient)


def overlaps(*, run: Run) -> Overlaps:
    """Return how much the clusters of the run's current revision overlap in pairs, computed from the mixture.

    A cluster of several components counts as one Gaussian with their common mean and covariance.

    Raises
    ------
    Conflict
        With `state_conflict` when the run has no result.
    """
    stored = stored_result(run=run)
    mixtures = merge_groups(stored.mixture, stored.legend.groups)
    return Overlaps(
        coefficients=criteria.overlaps(mixtures).tolist(), merge_first=criteria.most_overlapping_pair(mixtures)
    )


def connected_regions(*, run: Run, actor: User | None = None) -> list[int]:
    """Return the number of connected regions of each cluster at the run's current revision; computed when first requested.

    Raises
    ------
    SegmentationError
        As `open_artefact`.
    """
    content = open_artefact(run=run, name="regions", actor=actor)
    if isinstance(content, bytes):
        return [int(count) for count in json.loads(content)]
    with content:
        return [int(count) for count in json.load(content)]


def counted_regions(*, run: Run) -> list[int] | None:
    """Return the number of connected regions of each cluster; None when it was not computed yet."""
    return connected_regions(run=run) if has_artefact(run=run, name="regions") else None
