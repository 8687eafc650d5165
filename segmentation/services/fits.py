"""How a fit went: its history, and why so many clusters were chosen."""

import io
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.translation import gettext as _

from segmentation import files
from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.gmm import Mixture
from segmentation.engine.gmm.selection.reasons import Reason
from segmentation.engine.imaging import index_png
from segmentation.engine.pipeline import replay
from segmentation.engine.pipeline.replay import Frame
from segmentation.exceptions import Conflict
from segmentation.models import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """What speaks for one number of clusters; nats a pixel."""

    n_clusters: int
    fit: float  # mean log-likelihood
    overlap: float  # what clusters cost that lie over each other
    parameters: float  # what further parameters cost
    icl: float  # fit, less both
    chosen: bool
    nearly: bool  # does nearly as well as the chosen one


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Why a number of clusters was chosen."""

    sentence: str  # in the language of the reader
    rows: list[EvidenceRow]

    @property
    def n_clusters(self) -> int:
        return next(row.n_clusters for row in self.rows if row.chosen)


def fit_history(*, run: Run) -> list[float]:
    """Return the mean log-likelihood at each evaluation of the kept fit, nats per pixel."""
    return [float(value) for value in _arrays(run)["history"]]


def fit_frames(*, run: Run) -> list[Frame]:
    """Return the mixtures that the fit went through, its result last; none of regions and of earlier releases."""
    return replay.frames(_arrays(run), Mixture.from_mapping(run.result.mixture).covariance_type)


def evidence(*, run: Run) -> Evidence | None:
    """Return why the engine chose the number of clusters; None when it was asked for."""
    arrays = _arrays(run)
    if "evidence_icl" not in arrays:
        return None
    low, high = arrays["evidence_plateau"]
    chosen = int(arrays["evidence_icl"].argmax())
    columns = (arrays[f"evidence_{name}"] for name in ("log_likelihood", "entropy", "bic", "icl"))
    rows = [
        EvidenceRow(
            n_clusters=index + 1,
            fit=float(fit),
            overlap=float(entropy),
            parameters=float(fit - bic),
            icl=float(icl),
            chosen=index == chosen,
            nearly=bool(low <= index + 1 <= high),
        )
        for index, (fit, entropy, bic, icl) in enumerate(zip(*columns, strict=True))
    ]
    reason = _reason(arrays, chosen + 1, (int(low), int(high)), len(rows))
    return Evidence(sentence=_(reason.template) % reason.values, rows=rows)


def _reason(arrays: dict[str, Any], n_clusters: int, plateau: tuple[int, int], most_tried: int) -> Reason:
    """Return why a number of clusters was chosen.

    Files of earlier releases hold an English sentence instead; what it said follows from the other values.
    """
    if "evidence_reason" in arrays:
        return Reason.from_mapping(json.loads(str(arrays["evidence_reason"])))
    return Reason.of(n_clusters, plateau, most_tried)


def evidence_picture(*, run: Run, n_clusters: int) -> bytes:
    """Return the small segmented picture of a number of clusters that was weighed, as PNG.

    Raises
    ------
    SegmentationError
        With `not_found`, when it was not weighed.
    """
    arrays = _arrays(run)
    if not 1 <= n_clusters <= len(arrays.get("evidence_maps", ())):
        raise SegmentationError("not_found", gettext_noop("This number of clusters was not evaluated."))
    colours = ["#{:02x}{:02x}{:02x}".format(*colour) for colour in arrays["evidence_colours"][n_clusters - 1]]
    return index_png.with_palette(index_png.encode(arrays["evidence_maps"][n_clusters - 1]), colours)


def _arrays(run: Run) -> dict[str, Any]:
    if not run.succeeded:
        raise Conflict("state_conflict", gettext_noop("This run has no result yet."))
    stored = files.read(run.result.files["fit.npz"]["key"])
    with np.load(io.BytesIO(stored), allow_pickle=False) as arrays:
        return dict(arrays)
