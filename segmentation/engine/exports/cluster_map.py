"""From the component of each pixel to its cluster; what the formats have in common."""

from segmentation.engine.imaging import index_png
from segmentation.engine.legend import Legend


def cluster_map(components_png: bytes, legend: Legend) -> bytes:
    """The palette PNG of cluster indices; 254 and 255 stay.

    As long as nothing is merged or reordered that is the master itself: its pixels are not even decoded.
    """
    if legend.is_plain:
        return components_png
    return index_png.encode(legend.cluster_of_component()[index_png.decode(components_png)])
