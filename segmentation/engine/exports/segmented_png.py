"""`segmented.png`: for people. A palette PNG in the clusters' colours; pixels without a cluster are transparent."""

from collections.abc import Sequence

from segmentation.engine.exports.cluster_map import cluster_map
from segmentation.engine.imaging import index_png
from segmentation.engine.legend import Legend


def export(components_png: bytes, legend: Legend, *, colours: Sequence[str] | None = None) -> bytes:
    """The segmented picture as a PNG file.

    Parameters
    ----------
    components_png : bytes
        The master map.
    legend : Legend
        Says which components make a cluster.
    colours : sequence of str or None
        "#rrggbb" for each cluster; None takes the legend's own.
    """
    return index_png.with_palette(cluster_map(components_png, legend), legend.colours if colours is None else colours)
