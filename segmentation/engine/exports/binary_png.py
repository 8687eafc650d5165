"""`binary.png`: a mask. 8-bit grey, 255 where the foreground is and 0 elsewhere, also where there is no data."""

import io
from collections.abc import Sequence

import numpy as np
import PIL.Image

from segmentation.engine.imaging import index_png
from segmentation.engine.legend import Legend

_FAST = {"compress_level": 1, "compress_type": 3}  # run-length: ten times as fast as the default, and masks are runs


def export(
    components_png: bytes,
    legend: Legend,
    *,
    colours: Sequence[str] | None = None,  # noqa: ARG001 - the one signature of all exports; a mask has no colours
) -> bytes:
    """The foreground mask as a PNG file."""
    value = np.zeros(256, dtype=np.uint8)
    for cluster in legend.clusters:
        value[list(cluster.components)] = 255 * cluster.foreground
    file = io.BytesIO()
    PIL.Image.fromarray(value[index_png.decode(components_png)]).save(file, "PNG", **_FAST)
    return file.getvalue()
