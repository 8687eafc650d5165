"""`binary.png`: the foreground mask in 8-bit grey, 255 in the foreground and 0 elsewhere, including pixels without data."""

from typing import IO

from segmentation.engine.artefacts.artefact import Artefact, Dependency
from segmentation.engine.artefacts.cluster_map import mask
from segmentation.engine.artefacts.source import Source
from segmentation.engine.exceptions import gettext_noop


class Binary(Artefact):
    name = "binary"
    title = gettext_noop("Binary picture")
    extension, content_type = "png", "image/png"
    depends_on = frozenset({Dependency.COMPONENTS, Dependency.REVISION})
    is_standard = True
    is_kept_by_run = True

    def write(self, source: Source, file: IO[bytes], *, part: int | None = None) -> None:  # noqa: ARG002 - has no parts
        foreground = (cluster for cluster in source.legend.clusters if cluster.foreground)
        file.write(mask(source, [component for cluster in foreground for component in cluster.components]))
