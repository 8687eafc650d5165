"""`segmented.png`: a palette PNG in the colours of the clusters; pixels without a cluster are transparent."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import IO

from segmentation.engine.artefacts.artefact import Artefact, Dependency
from segmentation.engine.artefacts.cluster_map import cluster_map
from segmentation.engine.artefacts.source import Source
from segmentation.engine.exceptions import gettext_noop
from segmentation.engine.imaging import index_png, palettes


def _separated(source: Source) -> Sequence[str]:
    """Return colours that are easy to tell apart, one for each cluster."""
    return palettes.separated(len(source.legend.clusters))


class Segmented(Artefact):
    name = "segmented"
    title = gettext_noop("Segmented picture")
    extension, content_type = "png", "image/png"
    depends_on = frozenset({Dependency.COMPONENTS, Dependency.REVISION})
    palettes = MappingProxyType({"separated": _separated})
    is_standard = True

    def is_cached(self, source: Source) -> bool:
        return not source.legend.is_plain  # else it is the component map with another palette

    def write(self, source: Source, file: IO[bytes], *, part: int | None = None) -> None:  # noqa: ARG002 - has no parts
        file.write(index_png.with_palette(cluster_map(source), source.legend.colours))
