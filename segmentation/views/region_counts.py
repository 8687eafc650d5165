"""Numbers of regions that the page of a run offers for a new run."""

from dataclasses import dataclass

from segmentation.engine.recipe import MAX_REGIONS, MIN_CLUSTERS

_FACTOR = 1.5  # between one number and the next coarser or finer one
_SLIDER = 64  # end of the slider, unless there are more than half as many regions


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionCounts:
    """The current number of regions, the end of the slider, and the next coarser and finer numbers, if possible."""

    now: int
    most: int
    fewer: int | None
    more: int | None


def region_counts(n_regions: int) -> RegionCounts:
    """Return the numbers of regions that are offered for a run with `n_regions` regions.

    >>> region_counts(8)
    RegionCounts(now=8, most=64, fewer=5, more=12)
    """
    fewer, more = round(n_regions / _FACTOR), round(n_regions * _FACTOR)
    return RegionCounts(
        now=max(n_regions, MIN_CLUSTERS),
        most=min(max(_SLIDER, 2 * n_regions), MAX_REGIONS),
        fewer=fewer if fewer >= MIN_CLUSTERS else None,
        more=min(more, MAX_REGIONS) if n_regions < MAX_REGIONS else None,
    )
