"""`labels.png`: for programs. Single-channel 8-bit grey, the value is the cluster's index; 254 unassigned, 255 no data."""

from collections.abc import Sequence

from segmentation.engine.exports.cluster_map import cluster_map
from segmentation.engine.imaging import index_png
from segmentation.engine.legend import Legend


def export(
    components_png: bytes,
    legend: Legend,
    *,
    colours: Sequence[str] | None = None,  # noqa: ARG001 - the one signature of all exports; indices have no colours
) -> bytes:
    """The cluster index of each pixel as a PNG file."""
    return index_png.as_grey(cluster_map(components_png, legend))
