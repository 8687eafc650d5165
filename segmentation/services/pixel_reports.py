"""The report on one pixel of a result: the posterior probability of each cluster, uncertainty and novelty.

A run stores none of these values. They are computed on request, from files of tiles of which only the tile with the pixel is
read.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.gmm.statistics.uncertainty import novelty, uncertainty
from segmentation.engine.legend import NO_DATA, Legend
from segmentation.engine.pipeline.pixel_tiles import read_pixel
from segmentation.models import Run, User
from segmentation.results import stored_result
from segmentation.services.tiles import tiles_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelReport:
    """The report on one pixel of a result. A pixel without data has a colour and no other value."""

    x: int
    y: int
    colour: tuple[int, int, int]  # red, green and blue as displayed
    component: int | None = None  # in the component map
    cluster: int | None = None
    components: list[float] = field(default_factory=list)  # posterior probability of each component
    clusters: list[float] = field(default_factory=list)  # of each cluster: the sum of its components'
    # The preset *regions* has none of the following.
    values: list[float] = field(default_factory=list)  # the features of the pixel, in the units of the mixture
    log_density: float | None = None  # natural logarithm, per unit of the features
    uncertainty: float | None = None  # between clusters: 0 when one has probability 1, 1 when all are equally probable
    novelty: float | None = None  # share of the fitted pixels that have a higher density


def pixel_report(*, run: Run, x: int, y: int, actor: User | None = None) -> PixelReport:
    """Return the report on the pixel in column `x` and row `y` (from 0) at the run's current revision.

    The probabilities are those of the mixture. Smoothing and cleaning change labels depending on neighbouring pixels, so the
    label of the pixel need not be its most probable component. With the preset *regions*, the pixel's region has probability 1.

    Raises
    ------
    Conflict
        With `state_conflict` when the run has no result.
    SegmentationError
        With `invalid_request` outside the picture; also whatever the sandbox raises.
    RateLimited, Busy
        When the files of tiles are not made yet, and there is no processing slot.
    """
    stored = stored_result(run=run)
    _require_inside(run, x, y)
    with tiles_of(stored, actor) as (picture, result):
        pixel = read_pixel(picture, result, stored.recipe, y, x)
    report = PixelReport(x=x, y=y, colour=pixel.colour)
    if pixel.label == NO_DATA:
        return report
    legend, mixture, values = stored.legend, stored.mixture, pixel.values
    report = replace(report, component=pixel.label, cluster=int(legend.cluster_of_component()[pixel.label]))
    if stored.has_regions:
        return _with_posterior(report, np.equal(np.arange(mixture.n_components), pixel.label).astype(float), legend)
    return replace(
        _with_posterior(report, mixture.posterior(values), legend),
        values=[float(value) for value in values],
        log_density=float(mixture.log_density(values)),
        uncertainty=float(uncertainty(mixture, values, legend.groups)),
        novelty=float(novelty(mixture, values, pixel.reference)),
    )


def _require_inside(run: Run, x: int, y: int) -> None:
    width, height = run.image.width, run.image.height
    if not (0 <= x < width and 0 <= y < height):
        raise SegmentationError(
            "invalid_request",
            gettext_noop(
                "There is no pixel at %(x)s, %(y)s: the picture is %(width)s pixels wide and %(height)s high."
            ),
            x=x,
            y=y,
            width=width,
            height=height,
        )


def _with_posterior(report: PixelReport, posterior: NDArray[np.float64], legend: Legend) -> PixelReport:
    """Return the report with the probability of each component, and of each cluster as the sum of its components'."""
    clusters = [float(posterior[list(group)].sum()) for group in legend.groups]
    return replace(report, components=[float(share) for share in posterior], clusters=clusters)
