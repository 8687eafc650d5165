"""`segmented.png`: a palette PNG in the colours of the clusters; pixels without a cluster are transparent."""

from collections.abc import Sequence

from segmentation.engine.exports.cluster_map import cluster_map
from segmentation.engine.imaging import index_png
from segmentation.engine.legend import Legend


def export(components_png: bytes, legend: Legend, *, colours: Sequence[str] | None = None) -> bytes:
    """Return the segmented picture as a PNG file.

    Parameters
    ----------
    components_png : bytes
        The component map.
    legend : Legend
    colours : sequence of str or None
        "#rrggbb" for each cluster; None means the colours of the legend.
    """
    return index_png.with_palette(cluster_map(components_png, legend), legend.colours if colours is None else colours)
