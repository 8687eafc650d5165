"""`masks.zip`: the masks of all clusters, each with the name that its single download has."""

import zipfile
from typing import IO

from segmentation.engine.artefacts.artefact import Artefact, Dependency
from segmentation.engine.artefacts.cluster_mask import ClusterMask
from segmentation.engine.artefacts.names import download_name, result_name
from segmentation.engine.artefacts.source import Source
from segmentation.engine.exceptions import gettext_noop

MAX_PIXELS = 4_000_000_000
"""Largest number of pixels of all masks, which take about 20 s to make. Single masks have no limit."""


class Masks(Artefact):
    name = "masks"
    title = gettext_noop("All masks")
    extension, content_type = "zip", "application/zip"
    depends_on = frozenset({Dependency.COMPONENTS, Dependency.REVISION})
    is_expensive = True

    def available(self, source: Source) -> bool:
        return source.counts.width * source.counts.height * len(source.legend.clusters) <= MAX_PIXELS

    def write(self, source: Source, file: IO[bytes], *, part: int | None = None) -> None:  # noqa: ARG002 - has no parts
        mask = ClusterMask()
        result = result_name(source.picture.name, len(source.legend.clusters), regions=source.has_regions)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:  # PNG files are compressed already
            for number in mask.parts(source):
                member = zipfile.ZipInfo(download_name(result, mask.file_name(number)))  # dated 1980: equal bytes
                member.external_attr = 0o644 << 16
                archive.writestr(member, mask.make(source, part=number))
