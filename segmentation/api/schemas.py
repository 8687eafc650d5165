"""Schemas of the requests and responses of the API."""

import uuid
from dataclasses import asdict
from datetime import datetime
from typing import Any, Self

from django.urls import reverse
from ninja import Schema

from segmentation import services
from segmentation.engine.gmm import CoveredArea
from segmentation.engine.legend import ClusterStatistics
from segmentation.models import Image, Run


class Notice(Schema):
    """Notice about something that was converted, reduced or ignored when the picture was read."""

    code: str
    sentence: str


class ImageOut(Schema):
    id: uuid.UUID
    name: str
    sha256: str
    bytes: int
    format: str
    width: int
    height: int
    bands: int
    dtype: str
    frames: int
    selection: dict[str, Any]  # as in `input` of run.json, like all down to `no_data`
    axes: str | None
    shape: list[int] | None
    channel_names: list[str]
    overviews: int | None
    pixel_size: dict[str, Any] | None
    pixel_size_suggested: dict[str, Any] | None
    georeference: dict[str, Any] | None
    no_data: dict[str, Any] | None
    alpha: str | None  # "data" or "transparency", as a person has decided; null: by its values
    created: datetime
    notices: list[Notice]
    links: dict[str, str]

    @classmethod
    def of(cls, image: Image) -> Self:
        """Return the schema of an image."""
        links = {
            "self": reverse("api-v1:image", args=[image.pk]),
            "page": image.get_absolute_url(),
            **{name: reverse(f"image-{name}", args=[image.pk]) for name in ("original", "display", "thumbnail")},
        }
        return cls(
            **{name: getattr(image, name) for name in _OF_IMAGE},
            **image.description.fields(),
            alpha=image.parsed_reading.alpha,
            notices=[Notice(code=code, sentence=sentence) for code, sentence in services.image_notices(image=image)],
            links=links,
        )


_OF_IMAGE = ("id", "name", "sha256", "bytes", "format", "width", "height", "bands", "dtype", "frames", "created")


class PixelSizeIn(Schema):
    width: float
    height: float
    unit: str  # nm, um, mm, m or km, or another unit of length


class ImageEdit(Schema):
    """How the file is read from now on: only what is named is changed, and null leaves it to the file."""

    pixel_size: PixelSizeIn | None = None
    no_data: float | None = None  # pixels of which all bands equal it have no data
    selection: dict[str, Any] | None = (
        None  # series, z, t, channels, counted from 0; what is missing is the first, or all
    )
    alpha: str | None = None  # "data" or "transparency"


class MaskOut(Schema):
    sha256: str  # value for `inputs.mask` of a run
    width: int
    height: int
    left_out: int  # pixels


class RunIn(Schema):
    image: uuid.UUID
    recipe: dict[str, Any]
    inputs: dict[str, Any] | None = None  # mixture: starting mixture as in run.json; mask: SHA-256 of an uploaded mask
    begin: uuid.UUID | None = None  # a finished run of the image to start from, instead of a mixture


class ErrorOut(Schema):
    code: str
    detail: str


class CoverageOut(Schema):
    """Area by coverage as a share of the pixels with data, 0 to 1, and its range from `low` to `high`.

    A pixel on a border counts for both sides, with the part of it that each covers. The range is no confidence interval: it held
    the true area of nine in ten phases of test pictures.
    """

    share: float
    low: float
    high: float

    @classmethod
    def of(cls, area: CoveredArea | None) -> Self | None:
        """Return the schema of an area, None for None."""
        return None if area is None else cls(**area.to_mapping())


class HintOut(Schema):
    """Something that people should know of a result, or of the cluster with the index `cluster`."""

    code: str
    cluster: int | None
    sentence: str


class BandOut(Schema):
    name: str | None
    mean: float
    sd: float


class ClusterOut(Schema):
    index: int
    name: str
    colour: str
    mean_colour: str
    separated_colour: str
    foreground: bool
    components: list[int]
    pixels: int
    soft_pixels: float
    share: float  # by labels
    coverage: CoverageOut | None  # null unless the covariance is mixed, as with the preset areas
    box: tuple[int, int, int, int] | None
    area: float  # in the unit of the run's `area`
    bands: list[BandOut]  # in the picture's own values; empty for one or three bands of 8 bits

    @classmethod
    def of(cls, cluster: ClusterStatistics, stored: services.StoredResult) -> Self:
        """Describe a cluster of a result; a default name is in the language of the reader."""
        bands = [asdict(band) for band in stored.bands_of(cluster)]
        name, area = services.cluster_name(cluster=cluster), stored.cluster_areas[cluster.index]
        return cls(
            **asdict(cluster)
            | {"name": name, "coverage": CoverageOut.of(cluster.coverage), "area": area, "bands": bands}
        )


class AreaOut(Schema):
    """How areas are measured."""

    unit: str  # px, nm2, um2, mm2, m2 or km2
    method: str  # pixels, pixel_size, planar or ellipsoid


class RunOut(Schema):
    id: uuid.UUID
    image: uuid.UUID
    state: str
    stage: str
    percent: int
    message: str
    error: ErrorOut | None
    position: int | None
    seconds_left: float | None
    revision: int
    recipe: dict[str, Any]
    inputs: dict[str, Any]
    parent: uuid.UUID | None
    area: AreaOut | None  # null until there is a result
    clusters: list[ClusterOut]
    foreground_coverage: CoverageOut | None  # area of the foreground; null without a result, and as in a cluster
    hints: list[HintOut]
    links: dict[str, str]

    @classmethod
    def of(cls, run: Run) -> Self:
        """Return the schema of a run, with its clusters if it has succeeded."""
        status = services.run_status(run=run)
        stored = services.stored_result(run=run) if run.succeeded else None
        error = status.error
        return cls(
            **{name: getattr(status, name) for name in cls.model_fields if hasattr(status, name) and name != "error"},
            error=ErrorOut(code=error.code, detail=error.detail) if error else None,
            area=AreaOut(unit=stored.areas.unit, method=stored.areas.method) if stored else None,
            clusters=[ClusterOut.of(cluster, stored) for cluster in stored.clusters] if stored else [],
            foreground_coverage=CoverageOut.of(stored.foreground_coverage) if stored else None,
            hints=[HintOut(**asdict(hint)) for hint in services.hint_sentences(run=run)] if stored else [],
            inputs=run.inputs,
            parent=run.parent_id,
            links=_run_links(run),
        )


class ClusterEdit(Schema):
    index: int
    foreground: bool


class LegendEdit(Schema):
    """Change of the legend: foreground flags, then two clusters to merge (the second into the first), or undo."""

    revision: int
    clusters: tuple[ClusterEdit, ...] = ()
    merge: tuple[int, int] | None = None
    undo: bool = False


class RegionsOut(Schema):
    """Number of connected regions of each cluster."""

    revision: int
    regions: list[int]


class OverlapsOut(Schema):
    """Bhattacharyya coefficients of every two clusters, and the two clusters that overlap most."""

    revision: int
    coefficients: list[list[float]]
    merge_first: tuple[int, int] | None


class PixelReportOut(Schema):
    """Values of one pixel of a result.

    The probabilities are posteriors of the mixture. With smoothing or a smallest region, labels also depend on neighbouring
    pixels, so `component` need not be the most probable component. With the preset Regions, the posterior is 1 for the
    region of the pixel, and there are no `values`, `log_density`, `uncertainty` and `novelty`. A pixel without data has
    only a colour.
    """

    revision: int
    x: int
    y: int
    colour: tuple[int, int, int]
    component: int | None
    cluster: int | None
    components: list[float]
    clusters: list[float]
    values: list[float]
    log_density: float | None
    uncertainty: float | None
    novelty: float | None


class FrameOut(Schema):
    """Mixture after a number of evaluations."""

    iteration: int
    weights: list[float]
    means: list[list[float]]
    covariances: list[list[list[float]]]


class FitOut(Schema):
    """Course of a fit: mean log-likelihood after each evaluation in nats per pixel; with `?parameters=true` also the mixtures.

    Frame 0 is the start and the last frame is the result. Of long fits only some frames are kept. The preset Regions has no
    iterations, so both lists are empty.
    """

    iterations: int
    converged: bool
    history: list[float]
    frames: list[FrameOut] | None


def _run_links(run: Run) -> dict[str, str]:
    links = {
        "self": reverse("api-v1:run", args=[run.pk]),
        "page": run.get_absolute_url(),
        "image": reverse("api-v1:image", args=[run.image_id]),
    }
    if run.succeeded:
        links["components"] = reverse("run-components", args=[run.pk])
        available = services.available_artefacts(run=run)
        links |= {artefact.name: reverse(f"run-{artefact.name}", args=[run.pk]) for artefact in available}
        links |= {name: reverse(f"api-v1:run-{name}", args=[run.pk]) for name in ("at", "fit", "overlaps", "regions")}
    return links
