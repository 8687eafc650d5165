"""`binary.png`: the foreground mask in 8-bit grey, 255 for the foreground and 0 elsewhere, also where there is no data."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.imaging import index_png
from segmentation.engine.legend import Legend


def export(
    components_png: bytes,
    legend: Legend,
    *,
    colours: Sequence[str] | None = None,  # noqa: ARG001 - all exports have the same parameters; a mask has no colours
) -> bytes:
    """Return the foreground mask as a PNG file."""
    return render(index_png.decode(components_png), legend)


def render(labels: NDArray[np.uint8], legend: Legend) -> bytes:
    """Return the foreground mask of a decoded component map (H, W) as a PNG file."""
    value = np.zeros(256, dtype=np.uint8)
    for cluster in legend.clusters:
        value[list(cluster.components)] = 255 * cluster.foreground
    mask = labels.tobytes().translate(value.tobytes())  # twice as fast as indexing with NumPy
    return index_png.as_grey(index_png.encode(np.frombuffer(mask, dtype=np.uint8).reshape(labels.shape)))
