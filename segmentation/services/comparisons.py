"""How the clusters of a result lie to each other: overlaps, and the regions that they consist of."""

import json
from dataclasses import dataclass

from django.conf import settings

from segmentation import files
from segmentation.engine import sandbox
from segmentation.engine.exceptions import gettext_noop
from segmentation.engine.gmm import Mixture
from segmentation.engine.gmm.fit.merging import merge_groups
from segmentation.engine.gmm.selection import criteria
from segmentation.engine.legend import Legend
from segmentation.engine.pipeline import doubt
from segmentation.exceptions import Conflict
from segmentation.models import Run, User
from segmentation.services.caching import cached_file, has_cached_file
from segmentation.services.uploads import DECODE_SECONDS

_REGIONS = "regions.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlaps:
    """Bhattacharyya coefficients of the clusters' laws: 0 far apart, 1 the same."""

    coefficients: list[list[float]]  # (n, n)
    merge_first: tuple[int, int] | None  # the two that overlap most, by index; None of one cluster

    @property
    def most(self) -> float | None:
        """How much those two overlap."""
        return None if self.merge_first is None else self.coefficients[self.merge_first[0]][self.merge_first[1]]

    @property
    def numbers(self) -> tuple[int, int] | None:
        """Those two, in the numbers that people see."""
        return None if self.merge_first is None else (self.merge_first[0] + 1, self.merge_first[1] + 1)


def overlaps(*, run: Run) -> Overlaps:
    """Return how much every two clusters of the run's current revision overlap, from the mixture alone.

    A cluster of several components counts as one Gaussian with their common mean and covariance.

    Raises
    ------
    Conflict
        With `state_conflict` when the run has no result.
    """
    legend = _legend(run)
    laws = merge_groups(Mixture.from_mapping(run.result.mixture), legend.groups)
    return Overlaps(coefficients=criteria.overlaps(laws).tolist(), merge_first=criteria.most_overlapping_pair(laws))


def connected_regions(*, run: Run, actor: User | None = None) -> list[int]:
    """Return how many connected regions each cluster of the run's current revision has.

    Regions of two components that touch are one of their cluster, so these numbers do not add: they are counted on the
    map when first asked for, in a limited child, and cached for the newest revision.

    Raises
    ------
    Conflict
        With `state_conflict` when the run has no result.
    RateLimited, Busy
        When there is no place to count them in.
    SegmentationError
        Of the sandbox.
    """
    legend = _legend(run)

    def make() -> bytes:
        shapes = sandbox.call(
            doubt.shapes,
            files.read(run.result.files["components.png"]["key"]),
            legend.cluster_of_component(),
            len(legend.clusters),
            allowance=sandbox.Allowance(memory=settings.GMM_RUN_MEMORY, seconds=DECODE_SECONDS),
        )
        return json.dumps([shape.regions for shape in shapes]).encode()

    with cached_file(thing=run, name=_REGIONS, version=run.revision, make=make, actor=actor) as file:
        return [int(count) for count in json.load(file)]


def counted_regions(*, run: Run) -> list[int] | None:
    """Return the same if it has been counted already."""
    is_there = has_cached_file(thing=run, name=_REGIONS, version=run.revision)
    return connected_regions(run=run) if is_there else None


def _legend(run: Run) -> Legend:
    if not run.succeeded:
        raise Conflict("state_conflict", gettext_noop("This run has no result yet."))
    return Legend.from_mapping(run.current_revision.legend)
