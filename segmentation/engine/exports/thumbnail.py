"""The segmented picture, small, for lists; clear where there is no data."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.imaging import index_png
from segmentation.engine.imaging.renditions import map_thumbnail
from segmentation.engine.legend import Legend

SIDE = 480  # pixels of the longest side
_SPARE = 4  # it is averaged from at most about this many label pixels a side


def export(components_png: bytes, legend: Legend, *, colours: Sequence[str] | None = None) -> bytes:
    """The thumbnail as an image file."""
    return render(index_png.decode(components_png), legend, colours=colours)


def render(labels: NDArray[np.uint8], legend: Legend, *, colours: Sequence[str] | None = None) -> bytes:
    """The same of a component map (H, W) that has been decoded already."""
    palette = np.zeros((256, 4), dtype=np.uint8)
    for cluster, colour in zip(legend.clusters, colours or legend.colours, strict=True):
        palette[list(cluster.components)] = (*bytes.fromhex(colour[1:]), 255)
    # Most pixels of a large picture are left out before they are coloured: 50 megapixels would take 150 MB.
    step = max(1, max(labels.shape) // (_SPARE * SIDE))
    few = labels[::step, ::step]
    has_gaps = int(few.max()) >= index_png.UNASSIGNED
    return map_thumbnail(few, palette if has_gaps else palette[:, :3], size=SIDE).data
