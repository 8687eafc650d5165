"""What a run's page says of its clusters beside their shares, and how much detail of regions it offers."""

from dataclasses import dataclass

from segmentation import services
from segmentation.engine.exceptions import SegmentationError
from segmentation.engine.recipe import MAX_REGIONS, MIN_CLUSTERS
from segmentation.models import Run, User

_STEP = 1.5  # between one level of detail and the next
_SLIDER = 64  # regions at its end, or twice as many as there are


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One line of the table of measures."""

    row: services.ClusterRow
    soft_share: float  # of the pixels with data, mixed ones shared out
    regions: int | None  # connected ones; None until they are counted
    nearest: int | None  # number of the cluster that it overlaps most; None of the only one
    overlap: float


def measures(
    run: Run, rows: list[services.ClusterRow], found: services.Overlaps, *, count: bool, actor: User
) -> list[Measure]:
    """Return the measures of each cluster; regions that nobody has counted yet are counted with `count` only."""
    regions = _regions(run, count=count, actor=actor)
    total = sum(row.pixels for row in rows)
    lines = []
    for row in rows:
        others = [(overlap, -k) for k, overlap in enumerate(found.coefficients[row.index]) if k != row.index]
        overlap, place = max(others, default=(0.0, 1))
        lines.append(
            Measure(
                row=row,
                soft_share=row.soft_pixels / max(total, 1),
                regions=None if regions is None else regions[row.index],
                nearest=1 - place if others else None,
                overlap=overlap,
            )
        )
    return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """Numbers of regions that a page offers."""

    now: int
    most: int  # at the end of its slider
    fewer: int | None
    more: int | None


def detail(n_regions: int) -> Detail:
    """Return the next coarser and finer numbers of regions.

    >>> detail(8)
    Detail(now=8, most=64, fewer=5, more=12)
    """
    fewer, more = round(n_regions / _STEP), round(n_regions * _STEP)
    return Detail(
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
