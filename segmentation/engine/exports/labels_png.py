"""`labels.png`: the cluster index of each pixel in single-channel 8-bit grey; 254 is unassigned, 255 is no data."""

from collections.abc import Sequence

from segmentation.engine.exports.cluster_map import cluster_map
from segmentation.engine.imaging import index_png
from segmentation.engine.legend import Legend


def export(
    components_png: bytes,
    legend: Legend,
    *,
    colours: Sequence[str] | None = None,  # noqa: ARG001 - all exports have the same parameters; indices have no colours
) -> bytes:
    """Return the cluster index of each pixel as a PNG file."""
    return index_png.as_grey(cluster_map(components_png, legend))
