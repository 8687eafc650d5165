"""`thumbnail`: the segmented picture, small, for lists; clear where there is no data."""

from typing import IO

import numpy as np

from segmentation.engine.artefacts.artefact import Artefact, Dependency
from segmentation.engine.artefacts.source import Source
from segmentation.engine.exceptions import gettext_noop
from segmentation.engine.imaging import index_png
from segmentation.engine.imaging.renditions import map_thumbnail, map_thumbnail_type

SIDE = 480  # pixels of the longest side
_SPARE = 4  # it is averaged from at most about this many label pixels a side


class Thumbnail(Artefact):
    name = "thumbnail"
    title = gettext_noop("Thumbnail")
    extension, content_type = "", "image/webp"
    depends_on = frozenset({Dependency.COMPONENTS, Dependency.REVISION})
    is_offered = False
    is_kept_by_run = True

    def content_type_of(self, source: Source) -> str:
        return map_thumbnail_type(source.counts.width, source.counts.height)

    def version(self, source: Source) -> int:
        # Nobody can change the order or the colours yet, so that only merging changes what is drawn.
        return source.revision if source.legend.is_merged else 0

    def write(self, source: Source, file: IO[bytes], *, part: int | None = None) -> None:  # noqa: ARG002 - has no parts
        palette = np.zeros((256, 4), dtype=np.uint8)
        for cluster in source.legend.clusters:
            palette[list(cluster.components)] = (*bytes.fromhex(cluster.colour[1:]), 255)
        # Most pixels of a large picture are left out before they are coloured: 50 megapixels would take 150 MB.
        step = max(1, max(source.labels.shape) // (_SPARE * SIDE))
        few = source.labels[::step, ::step]
        has_gaps = int(few.max()) >= index_png.UNASSIGNED
        file.write(map_thumbnail(few, palette if has_gaps else palette[:, :3], size=SIDE).data)
