"""Compare the clusters of a result: how much they overlap, and how many connected regions each consists of."""

import json
from dataclasses import dataclass

from segmentation.engine.gmm.fit.merging import merge_groups
from segmentation.engine.gmm.selection import criteria
from segmentation.models import Run, User
from segmentation.results import stored_result
from segmentation.services.artefacts import has_artefact, open_artefact


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """How much a cluster overlaps the one that it overlaps most."""

    number: int  # of the other cluster, as people see it
    coefficient: float  # Bhattacharyya's: 0 far apart, 1 the same


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlaps:
    """Bhattacharyya coefficients of the distributions of every two clusters: 0 far apart, 1 the same."""

    coefficients: list[list[float]]  # (n, n)
    merge_first: tuple[int, int] | None  # the two that overlap most, by index; None of one cluster

    @property
    def most(self) -> float | None:
        """How much those two overlap."""
        return None if self.merge_first is None else self.coefficients[self.merge_first[0]][self.merge_first[1]]

    @property
    def numbers(self) -> tuple[int, int] | None:
        """The numbers of those two as people see them."""
        return None if self.merge_first is None else (self.merge_first[0] + 1, self.merge_first[1] + 1)

    def nearest(self, index: int) -> Overlap | None:
        """Return the cluster that one overlaps most, the first of equals; None of the only one."""
        others = [(overlap, -k) for k, overlap in enumerate(self.coefficients[index]) if k != index]
        if not others:
            return None
        coefficient, other = max(others)
        return Overlap(number=1 - other, coefficient=coefficient)


def overlaps(*, run: Run) -> Overlaps:
    """Return how much every two clusters of the run's current revision overlap, from the mixture alone.

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
    """Return how many connected regions each cluster of the run's current revision has; counted when first asked for.

    Raises
    ------
    As of `open_artefact`.
    """
    content = open_artefact(run=run, name="regions", actor=actor)
    if isinstance(content, bytes):
        return [int(count) for count in json.loads(content)]
    with content:
        return [int(count) for count in json.load(content)]


def counted_regions(*, run: Run) -> list[int] | None:
    """Return how many connected regions each cluster has; None when they are not counted yet."""
    return connected_regions(run=run) if has_artefact(run=run, name="regions") else None
