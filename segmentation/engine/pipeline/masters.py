"""The files of a run: the component map, the pictures of its first legend, and the history of the fit."""

import io

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.exports import binary_png, segmented_png
from segmentation.engine.imaging import thumbnail
from segmentation.engine.legend import Legend
from segmentation.engine.pipeline import replay
from segmentation.engine.pipeline.outcome import Outcome

THUMBNAIL = 480  # pixels of the longest side
_SPARE = 4  # a thumbnail is averaged from at most about this many label pixels a side


def masters(outcome: Outcome) -> dict[str, bytes]:
    """The files that are kept of a run, by name. Equal inputs give equal bytes."""
    return {
        "components.png": outcome.components_png,
        "segmented.png": segmented_png.export(outcome.components_png, outcome.legend),
        "binary.png": binary_png.export(outcome.components_png, outcome.legend),
        "thumbnail": _thumbnail(outcome.segmentation.labels, outcome.legend),
        "fit.npz": _fit(outcome),
    }


def _thumbnail(labels: NDArray[np.uint8], legend: Legend) -> bytes:
    """The segmented picture, small, on white where there is no data."""
    palette = np.full((256, 3), 255, dtype=np.uint8)
    for cluster in legend.clusters:
        palette[list(cluster.components)] = tuple(bytes.fromhex(cluster.colour[1:]))
    # Most pixels of a large picture are left out before they are coloured: 50 megapixels would take 150 MB.
    step = max(1, max(labels.shape) // (_SPARE * THUMBNAIL))
    return thumbnail(palette[labels[::step, ::step]], size=THUMBNAIL).data


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
