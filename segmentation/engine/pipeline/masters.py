"""The files of a run: the component map, what takes long to make of its first legend, and the history of the fit."""

import io

import numpy as np

from segmentation.engine.artefacts import ARTEFACTS
from segmentation.engine.pipeline import replay
from segmentation.engine.pipeline.outcome import Outcome
from segmentation.engine.pipeline.sources import OutcomeSource


def masters(outcome: Outcome) -> dict[str, bytes]:
    """Return the files that are kept of a run, by name. Equal inputs give equal bytes.

    The labels and the segmented picture are not among them: they are the component map under another header.
    """
    source = OutcomeSource(outcome)
    kept = {made.file_name(): made.make(source) for made in ARTEFACTS.values() if made.is_kept_by_run}
    return {"components.png": outcome.components_png, **kept, "fit.npz": _fit(outcome)}


def _fit(outcome: Outcome) -> bytes:
    """Return how the result came about, as ``.npz``.

    `history`, mean log-likelihood after each evaluation in nats a pixel; the way of the fit (`replay.path`), the tree of
    regions (`replay.tree`), the model of mixed pixels (`replay.mixed_pixels`), and why so many clusters were chosen (`evidence.evidence`).
    """
    segmentation, file = outcome.segmentation, io.BytesIO()
    arrays = {
        "history": np.asarray(segmentation.history, dtype=np.float64),
        **replay.path(segmentation),
        **replay.tree(segmentation),
        **replay.mixed_pixels(segmentation),
        **outcome.evidence,
    }
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()
