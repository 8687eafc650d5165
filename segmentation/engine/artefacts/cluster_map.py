"""Cluster maps and masks as PNG, which several artefacts consist of."""

from collections.abc import Collection

import numpy as np

from segmentation.engine.artefacts.source import Source
from segmentation.engine.imaging import index_png


def cluster_map(source: Source) -> bytes:
    """Return the palette PNG of cluster indices, in which 254 is unassigned and 255 is no data.

    Without merged or reordered clusters this is the component map itself, which is not decoded.
    """
    if source.legend.is_plain:
        return source.components_png
    return index_png.encode(source.legend.cluster_of_component()[source.labels])


def mask(source: Source, components: Collection[int]) -> bytes:
    """Return a mask as 8-bit grey PNG: 255 at the pixels of the given components, 0 elsewhere, including pixels without data."""
    value = np.zeros(256, dtype=np.uint8)
    value[list(components)] = 255
    values = source.labels.tobytes().translate(value.tobytes())  # twice as fast as indexing with NumPy
    return index_png.as_grey(index_png.encode(np.frombuffer(values, dtype=np.uint8).reshape(source.labels.shape)))
