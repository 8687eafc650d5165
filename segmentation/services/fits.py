"""The history of a fit, and the evidence for the number of clusters that was chosen."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from numpy.typing import NDArray

from segmentation.engine.gmm.selection.reasons import Reason
from segmentation.engine.pipeline import replay
from segmentation.engine.pipeline.replay import Frame
from segmentation.models import Run
from segmentation.results import stored_result


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """The selection criteria for one number of clusters, in nats per pixel."""

    n_clusters: int
    fit: float  # mean log-likelihood
    overlap: float  # penalty for overlap of the clusters (entropy)
    parameters: float  # penalty for the number of parameters (BIC)
    icl: float  # fit minus both penalties (integrated completed likelihood)
    chosen: bool
    nearly: bool  # whether its ICL is almost as high as that of the chosen number


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The evidence for the chosen number of clusters."""

    sentence: str  # in the active language
    pixels: int | None  # of the sample of all pixels, at most; None: interior pixels only, by an earlier release
    rows: list[EvidenceRow]

    @property
    def n_clusters(self) -> int:
        return next(row.n_clusters for row in self.rows if row.chosen)


def fit_history(*, run: Run) -> list[float]:
    """Return the mean log-likelihood at each evaluation of the best fit, in nats per pixel."""
    return [float(value) for value in stored_result(run=run).fit["history"]]


def fit_frames(*, run: Run) -> list[Frame]:
    """Return mixtures from the course of the fit, the result last; none for regions and for results of earlier releases."""
    stored = stored_result(run=run)
    return replay.frames(stored.fit, stored.mixture.covariance_type)


def evidence(*, run: Run) -> Evidence | None:
    """Return the evidence for the number of clusters; None when the person gave the number."""
    arrays = stored_result(run=run).fit
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
    sentence = _(reason.template) % reason.values
    if len(rows) == 1:
        sentence = _("The pixels of this picture have a single value, so no other number could be tried.")
    pixels = int(arrays["evidence_pixels"]) if "evidence_pixels" in arrays else None
    return Evidence(sentence=sentence, pixels=pixels, rows=rows)


def _reason(arrays: Mapping[str, NDArray[Any]], n_clusters: int, plateau: tuple[int, int], most_tried: int) -> Reason:
    """Return the reason for the chosen number of clusters.

    Files of earlier releases have an English sentence instead of a code; the code is then derived from the other values.
    """
    if "evidence_reason" in arrays:
        return Reason.from_mapping(json.loads(str(arrays["evidence_reason"])))
    return Reason.of(n_clusters, plateau, most_tried)
