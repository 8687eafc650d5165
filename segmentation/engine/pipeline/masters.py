"""The files of a run: the component map, the pictures of its first legend, and the history of the fit."""

import io

import numpy as np

from segmentation.engine.exports import binary_png, segmented_png, thumbnail
from segmentation.engine.pipeline import replay
from segmentation.engine.pipeline.outcome import Outcome


def masters(outcome: Outcome) -> dict[str, bytes]:
    """The files that are kept of a run, by name. Equal inputs give equal bytes."""
    labels, legend = outcome.segmentation.labels, outcome.legend
    return {
        "components.png": outcome.components_png,
        "segmented.png": segmented_png.export(outcome.components_png, legend),
        "binary.png": binary_png.drawn(labels, legend),
        "thumbnail": thumbnail.drawn(labels, legend),
        "fit.npz": _fit(outcome),
    }


def _fit(outcome: Outcome) -> bytes:
    """How the result came about, as ``.npz``.

    `history`, mean log-likelihood after each evaluation in nats a pixel; the way of the fit (`replay.path`), the tree of
    regions (`replay.tree`), and why so many clusters were chosen (`evidence.evidence`).
    """
    segmentation, file = outcome.segmentation, io.BytesIO()
    arrays = {
        "history": np.asarray(segmentation.history, dtype=np.float64),
        **replay.path(segmentation),
        **replay.tree(segmentation),
        **outcome.evidence,
    }
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()
