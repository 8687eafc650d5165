"""The thumbnail of the segmented picture; pixels without data are transparent."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.imaging import index_png
from segmentation.engine.imaging.renditions import map_thumbnail
from segmentation.engine.legend import Legend

SIDE = 480  # pixels of the longer side
_OVERSAMPLING = 4  # each thumbnail pixel is averaged from about this number of labels, at most, along each side


def export(components_png: bytes, legend: Legend, *, colours: Sequence[str] | None = None) -> bytes:
    """Return the thumbnail as an image file."""
    return render(index_png.decode(components_png), legend, colours=colours)


def render(labels: NDArray[np.uint8], legend: Legend, *, colours: Sequence[str] | None = None) -> bytes:
    """Return the thumbnail of a decoded component map (H, W) as an image file."""
    palette = np.zeros((256, 4), dtype=np.uint8)
    for cluster, colour in zip(legend.clusters, colours or legend.colours, strict=True):
        palette[list(cluster.components)] = (*bytes.fromhex(colour[1:]), 255)
    # A large picture is subsampled before it is coloured; 50 megapixels in colour would take 150 MB.
    step = max(1, max(labels.shape) // (_OVERSAMPLING * SIDE))
    subsampled = labels[::step, ::step]
    has_transparency = int(subsampled.max()) >= index_png.UNASSIGNED
    return map_thumbnail(subsampled, palette if has_transparency else palette[:, :3], size=SIDE).data
