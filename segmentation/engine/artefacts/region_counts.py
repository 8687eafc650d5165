"""`regions.json`: the number of connected regions of each cluster, with 4-connectivity."""

import json
from typing import IO

from segmentation.engine.artefacts.artefact import Artefact, Dependency
from segmentation.engine.artefacts.source import Source
from segmentation.engine.exceptions import gettext_noop
from segmentation.engine.gmm.statistics.uncertainty import extents


class RegionCounts(Artefact):
    """Numbers of connected regions by cluster.

    They are no sums over components: regions of two components of a cluster that touch are one region.
    """

    name = "regions"
    title = gettext_noop("Connected regions")
    extension, content_type = "json", "application/json"
    depends_on = frozenset({Dependency.COMPONENTS, Dependency.REVISION})
    has_address = False  # the API returns the numbers among others
    is_offered = False
    is_expensive = True

    def write(self, source: Source, file: IO[bytes], *, part: int | None = None) -> None:  # noqa: ARG002 - has no parts
        clusters = source.legend.cluster_of_component()[source.labels]
        counts = [extent.regions for extent in extents(clusters, len(source.legend.clusters))]
        file.write(json.dumps(counts).encode())
