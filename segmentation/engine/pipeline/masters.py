"""The files of a run: the component map, what of its first legend takes long to draw, and the history of the fit."""

import io

import numpy as np

from segmentation.engine.exports import binary_png, thumbnail
from segmentation.engine.pipeline import replay
from segmentation.engine.pipeline.outcome import Outcome


def masters(outcome: Outcome) -> dict[str, bytes]:
    """The files that are kept of a run, by name. Equal inputs give equal bytes.

    The labels and the segmented picture are not among them: they are the component map under another header.
    """
    labels, legend = outcome.segmentation.labels, outcome.legend
    return {
        "components.png": outcome.components_png,
        "binary.png": binary_png.render(labels, legend),
        "thumbnail": thumbnail.render(labels, legend),
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
