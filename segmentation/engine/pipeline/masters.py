"""Files that are stored with a run: component map, history of the fit, and artefacts of the first legend that take long to make."""

import io

import numpy as np

from segmentation.engine.artefacts import ARTEFACTS
from segmentation.engine.pipeline import replay
from segmentation.engine.pipeline.outcome import Outcome
from segmentation.engine.pipeline.sources import OutcomeSource


def masters(outcome: Outcome) -> dict[str, bytes]:
    """Return the files that are stored with a run, by name. Equal outcomes give equal bytes.

    The label map and the segmented picture are not stored: they are the component map with another PNG header.
    """
    source = OutcomeSource(outcome)
    kept = {made.file_name(): made.make(source) for made in ARTEFACTS.values() if made.is_kept_by_run}
    return {"components.png": outcome.components_png, **kept, "fit.npz": _fit(outcome)}


def _fit(outcome: Outcome) -> bytes:
    """Return the history of the fit as the bytes of an ``.npz`` file.

    Its arrays are `history`, the mean log-likelihood after each evaluation in nats per pixel; the mixtures after each
    iteration (`replay.path`); the tree of regions (`replay.tree`); the model of mixed pixels (`replay.mixed_pixels`); and the numbers of clusters that were tried
    (`evidence.evidence`).
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
