"""Convert a map of components to a map of clusters, which several formats have in common."""

from segmentation.engine.imaging import index_png
from segmentation.engine.legend import Legend


def cluster_map(components_png: bytes, legend: Legend) -> bytes:
    """Return the palette PNG of cluster indices, in which 254 is unassigned and 255 is no data.

    Without merged or reordered clusters this is the component map itself, which is not decoded.
    """
    if legend.is_plain:
        return components_png
    return index_png.encode(legend.cluster_of_component()[index_png.decode(components_png)])
