"""The measures of clusters on a run's page, and the coarser and finer numbers of regions that it offers."""

from dataclasses import dataclass

from segmentation import services
from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.legend import ClusterStatistics
from segmentation.engine.recipe import MAX_REGIONS, MIN_CLUSTERS
from segmentation.models import Run, User

_STEP = 1.5  # between one level of detail and the next
_SLIDER = 64  # regions at its end, or twice as many as there are


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuresRow:
    """One line of the table of measures."""

    cluster: ClusterStatistics
    regions: int | None  # connected ones; None until they are counted
    nearest: services.Overlap | None  # the cluster that it overlaps most


def measures(run: Run, overlaps: services.Overlaps, *, count: bool, actor: User) -> list[MeasuresRow]:
    """Return the measures of each cluster; regions that are not counted yet are counted with `count` only."""
    clusters, regions = services.stored_result(run=run).clusters, _regions(run, count=count, actor=actor)
    return [
        MeasuresRow(
            cluster=cluster,
            regions=None if regions is None else regions[cluster.index],
            nearest=overlaps.nearest(cluster.index),
        )
        for cluster in clusters
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class DetailLevels:
    """The numbers of regions that a page offers."""

    now: int
    most: int  # at the end of its slider
    fewer: int | None
    more: int | None


def detail_levels(n_regions: int) -> DetailLevels:
    """Return the next coarser and finer numbers of regions.

    >>> detail_levels(8)
    DetailLevels(now=8, most=64, fewer=5, more=12)
    """
    fewer, more = round(n_regions / _STEP), round(n_regions * _STEP)
    return DetailLevels(
        now=max(n_regions, MIN_CLUSTERS),
        most=min(max(_SLIDER, 2 * n_regions), MAX_REGIONS),
        fewer=fewer if fewer >= MIN_CLUSTERS else None,
        more=min(more, MAX_REGIONS) if n_regions < MAX_REGIONS else None,
    )


def _regions(run: Run, *, count: bool, actor: User) -> list[int] | None:
    try:
        return services.connected_regions(run=run, actor=actor) if count else services.counted_regions(run=run)
    except SegmentationError:
        return None  # the storage or a place in the sandbox is missing just now; the page stands without
