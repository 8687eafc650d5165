"""`binary.png`: a mask. 8-bit grey, 255 where the foreground is and 0 elsewhere, also where there is no data."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.imaging import index_png
from segmentation.engine.legend import Legend


def export(
    components_png: bytes,
    legend: Legend,
    *,
    colours: Sequence[str] | None = None,  # noqa: ARG001 - the one signature of all exports; a mask has no colours
) -> bytes:
    """The foreground mask as a PNG file."""
    return render(index_png.decode(components_png), legend)


def render(labels: NDArray[np.uint8], legend: Legend) -> bytes:
    """The same of a component map (H, W) that has been decoded already."""
    value = np.zeros(256, dtype=np.uint8)
    for cluster in legend.clusters:
        value[list(cluster.components)] = 255 * cluster.foreground
    mask = labels.tobytes().translate(value.tobytes())  # twice as fast as NumPy's look-up
    return index_png.as_grey(index_png.encode(np.frombuffer(mask, dtype=np.uint8).reshape(labels.shape)))
