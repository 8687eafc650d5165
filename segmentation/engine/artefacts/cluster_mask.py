"""`mask-3.png`, the mask of one cluster: 8-bit grey, 255 at its pixels and 0 elsewhere, including pixels without data."""

from collections.abc import Sequence
from typing import IO

from segmentation.engine.artefacts.artefact import Artefact, Dependency
from segmentation.engine.artefacts.cluster_map import mask
from segmentation.engine.artefacts.source import Source
from segmentation.engine.exceptions import gettext_noop


class ClusterMask(Artefact):
    """Masks of single clusters: part k is the mask of the k-th cluster of the legend."""

    name = "cluster-mask"
    title = gettext_noop("Mask of cluster %(part)s")
    file_stem, parts_folder = "mask", "masks"
    extension, content_type = "png", "image/png"
    depends_on = frozenset({Dependency.COMPONENTS, Dependency.REVISION})

    def parts(self, source: Source) -> Sequence[int]:
        return range(1, len(source.legend.clusters) + 1)

    def write(self, source: Source, file: IO[bytes], *, part: int | None = None) -> None:
        if part is None:
            raise ValueError("The number of a cluster is needed.")
        file.write(mask(source, source.legend.clusters[part - 1].components))
