"""`labels.png`: the cluster index of each pixel in single-channel 8-bit grey; 254 is unassigned, 255 is no data."""

from typing import IO

from segmentation.engine.artefacts.artefact import Artefact, Dependency
from segmentation.engine.artefacts.cluster_map import cluster_map
from segmentation.engine.artefacts.source import Source
from segmentation.engine.exceptions import gettext_noop
from segmentation.engine.imaging import index_png


class Labels(Artefact):
    name = "labels"
    title = gettext_noop("Label map")
    extension, content_type = "png", "image/png"
    depends_on = frozenset({Dependency.COMPONENTS, Dependency.REVISION})
    is_standard = True

    def is_cached(self, source: Source) -> bool:
        return not source.legend.is_plain  # else it is the component map with another header

    def write(self, source: Source, file: IO[bytes], *, part: int | None = None) -> None:  # noqa: ARG002 - has no parts
        file.write(index_png.as_grey(cluster_map(source)))
