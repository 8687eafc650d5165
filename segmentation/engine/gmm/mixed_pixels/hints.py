"""What people should know of areas, as stable codes with values; the application has the sentences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from segmentation.engine.gmm.mixed_pixels.coverage import Coverage

PHOTOGRAPH_GAIN = -0.05
"""Nats per pixel. Below this, covariances of their own explain a picture so much better than mixed pixels that it is likely a
photograph: of 25 photographs in 3 clusters 14 lie below, in 5 clusters 22; of 40 phantoms with resolved structures, none."""

MATERIALS_GAIN = 0.0
"""Nats per pixel, by `gain_of_mixed_pixels`. Above this, a picture that was fitted without mixed pixels is likely one of few
materials: of 25 photographs in 3 clusters 2 lie above, in 5 clusters none; of 40 phantoms with resolved structures 22."""

DECISIVE = 0.01  # difference of two ways to share borders, of the picture
_NOTABLE = 0.005  # mixed pixels, of the picture, that are worth a word


@dataclass(frozen=True, slots=True)
class Hint:
    """Something that people should know of a result, or of one of its clusters.

    Of a cluster: `borders_decide` (`difference`: share of the picture by which
    two ways to share borders differ), `more_border_than_inside` (its pure colour is a guess). Of a result: `borders_shared`
    (`mixed`: share of the picture that lies on borders and is shared), `looks_like_photograph` (*Colours* follows it more
    closely), `looks_like_materials` (*Areas* measures it better).
    """

    code: str
    cluster: int | None = None  # index in the legend; None: of the whole result
    values: Mapping[str, float] = field(default_factory=dict)


def hints(coverage: Coverage | None, gain: float | None, groups: Sequence[Sequence[int]]) -> tuple[Hint, ...]:
    """Return what people should know of a result.

    Parameters
    ----------
    coverage : Coverage or None
        Areas by coverage; None for a fit without mixed pixels.
    gain : float or None
        Log-likelihood of a model with mixed pixels minus that of one without whose components have covariances of their own,
        in nats per pixel; None when it is not known.
    groups : sequence of sequences of int
        The components of each cluster.
    """
    if coverage is None:
        return () if gain is None or gain <= MATERIALS_GAIN else (Hint("looks_like_materials"),)
    photograph = gain is not None and gain < PHOTOGRAPH_GAIN
    return (*((Hint("looks_like_photograph"),) if photograph else ()), *_area_hints(coverage, groups))


def _area_hints(coverage: Coverage, groups: Sequence[Sequence[int]]) -> tuple[Hint, ...]:
    """Return the hints that follow from areas alone: one of the whole picture first, then those of clusters."""
    found = []
    if coverage.mixed >= _NOTABLE:
        found.append(Hint("borders_shared", None, {"mixed": coverage.mixed}))
    for index, (group, area) in enumerate(zip(groups, coverage.clusters(groups), strict=True)):
        difference = coverage.disagreement(group)
        if difference > DECISIVE:
            found.append(Hint("borders_decide", index, {"difference": difference}))
        if area.mixed > area.share:
            found.append(Hint("more_border_than_inside", index))
    return tuple(found)
