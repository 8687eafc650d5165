"""The thumbnail of the segmented picture; pixels without data are transparent."""

from typing import IO

import numpy as np

from segmentation.engine.artefacts.artefact import Artefact, Dependency
from segmentation.engine.artefacts.source import Source
from segmentation.engine.exceptions import gettext_noop
from segmentation.engine.imaging import index_png
from segmentation.engine.imaging.renditions import map_thumbnail, map_thumbnail_type

SIDE = 480  # pixels of the longer side
_OVERSAMPLING = 4  # each thumbnail pixel is averaged from about this number of labels, at most, along each side


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
        # Of the edits of a legend that exist, only merging changes the colours of pixels.
        return source.revision if source.legend.is_merged else 0

    def write(self, source: Source, file: IO[bytes], *, part: int | None = None) -> None:  # noqa: ARG002 - has no parts
        palette = np.zeros((256, 4), dtype=np.uint8)
        for cluster in source.legend.clusters:
            palette[list(cluster.components)] = (*bytes.fromhex(cluster.colour[1:]), 255)
        # A large picture is subsampled before it is coloured; 50 megapixels in colour would take 150 MB.
        step = max(1, max(source.labels.shape) // (_OVERSAMPLING * SIDE))
        subsampled = source.labels[::step, ::step]
        has_transparency = int(subsampled.max()) >= index_png.UNASSIGNED
        file.write(map_thumbnail(subsampled, palette if has_transparency else palette[:, :3], size=SIDE).data)
