"""Rows of the table of measurements on the page of a finished run."""

from dataclasses import dataclass

from segmentation import services
from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.legend import ClusterStatistics
from segmentation.models import Run, User


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementRow:
    """The measurements of one cluster."""

    cluster: ClusterStatistics
    regions: int | None  # number of connected regions; None until they are counted
    nearest: services.Overlap | None  # the cluster that it overlaps most


def measurement_rows(run: Run, overlaps: services.Overlaps, *, count: bool, actor: User) -> list[MeasurementRow]:
    """Return the measurements of each cluster. Connected regions are counted only with `count`, because that takes time."""
    clusters, regions = services.stored_result(run=run).clusters, _regions(run, count=count, actor=actor)
    return [
        MeasurementRow(
            cluster=cluster,
            regions=None if regions is None else regions[cluster.index],
            nearest=overlaps.nearest(cluster.index),
        )
        for cluster in clusters
    ]


def _regions(run: Run, *, count: bool, actor: User) -> list[int] | None:
    try:
        return services.connected_regions(run=run, actor=actor) if count else services.counted_regions(run=run)
    except SegmentationError:
        return None  # the storage or the sandbox is not available now; the page is shown without the numbers
