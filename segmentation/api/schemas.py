"""What the API takes and gives."""

import uuid
from datetime import datetime
from typing import Any, Self

from django.urls import reverse
from ninja import Schema

from segmentation import services
from segmentation.models import Image, Run


class Notice(Schema):
    """What was converted, reduced or ignored when the picture was read."""

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
    created: datetime
    notices: list[Notice]
    links: dict[str, str]

    @classmethod
    def of(cls, image: Image) -> Self:
        """Describe an image."""
        links = {
            "self": reverse("api-v1:image", args=[image.pk]),
            "page": image.get_absolute_url(),
            **{name: reverse(f"image-{name}", args=[image.pk]) for name in ("original", "display", "thumbnail")},
        }
        return cls(
            **{name: getattr(image, name) for name in cls.model_fields if name not in {"notices", "links"}},
            notices=[Notice(code=code, sentence=sentence) for code, sentence in services.notices(image=image)],
            links=links,
        )


class MaskOut(Schema):
    sha256: str  # what `inputs.mask` of a run names
    width: int
    height: int
    left_out: int  # pixels


class RunIn(Schema):
    image: uuid.UUID
    recipe: dict[str, Any]
    inputs: dict[str, Any] | None = (
        None  # mixture: as in run.json, where the fit begins; mask: the SHA-256 of an uploaded mask
    )
    begin: uuid.UUID | None = None  # instead of a mixture: a finished run of the image


class ErrorOut(Schema):
    code: str
    detail: str


class ClusterOut(Schema):
    index: int
    name: str
    colour: str
    mean_colour: str
    separated_colour: str
    foreground: bool
    components: list[int]
    pixels: int
    share: float


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
    clusters: list[ClusterOut]
    links: dict[str, str]

    @classmethod
    def of(cls, run: Run) -> Self:
        """Describe a run as it stands; its clusters once it has succeeded."""
        status = services.run_status(run=run)
        rows = services.cluster_rows(run=run) if run.succeeded else []
        error = status.error
        return cls(
            **{name: getattr(status, name) for name in cls.model_fields if hasattr(status, name) and name != "error"},
            error=ErrorOut(code=error.code, detail=error.detail) if error else None,
            clusters=[ClusterOut(**{name: getattr(row, name) for name in ClusterOut.model_fields}) for row in rows],
            inputs=run.inputs,
            parent=run.parent_id,
            links=_run_links(run),
        )


class ClusterEdit(Schema):
    index: int
    foreground: bool


class LegendEdit(Schema):
    revision: int
    clusters: list[ClusterEdit]


def _run_links(run: Run) -> dict[str, str]:
    links = {
        "self": reverse("api-v1:run", args=[run.pk]),
        "page": run.get_absolute_url(),
        "image": reverse("api-v1:image", args=[run.image_id]),
    }
    if run.succeeded:
        pictures = ("components", "labels", "segmented", "binary", "thumbnail")
        links |= {name: reverse(f"run-{name}", args=[run.pk]) for name in pictures}
    return links
