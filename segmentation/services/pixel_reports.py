"""What a result says of one pixel: the probability of each cluster, uncertainty and novelty.

None of it is stored by a run. It is computed when somebody asks, from files of tiles of which no more is read than what is
around the pixel.
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
    """One pixel of a result. Without data there is only its colour."""

    x: int
    y: int
    colour: tuple[int, int, int]  # red, green and blue as displayed
    component: int | None = None  # in the component map
    cluster: int | None = None
    components: list[float] = field(default_factory=list)  # posterior probability of each component
    clusters: list[float] = field(default_factory=list)  # of each cluster: the sum of its components'
    # What follows does not exist of regions.
    values: list[float] = field(default_factory=list)  # its features, which the mixture is of
    log_density: float | None = None  # natural logarithm, per unit of the features
    uncertainty: float | None = None  # between clusters: 0 sure, 1 completely undecided
    novelty: float | None = None  # share of the fitted pixels that are likelier


def pixel_report(*, run: Run, x: int, y: int, actor: User | None = None) -> PixelReport:
    """Return what the run's current revision says of the pixel in column `x` and row `y`, both from 0.

    The probabilities are the mixture's. Smoothing and cleaning change labels by what lies around, so that the pixel's own
    component need not be the most probable one. Of regions, a pixel's own has the probability 1.

    Raises
    ------
    Conflict
        With `state_conflict` when the run has no result.
    SegmentationError
        With `invalid_request` outside the picture; of the sandbox.
    RateLimited, Busy
        When the files of tiles are not there yet, and there is no place to make them in.
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
