"""`uncertainty.png`: a map of the entropy of the posterior probabilities of the clusters at each pixel."""

from typing import IO

from segmentation.engine.artefacts.artefact import Artefact, Dependency
from segmentation.engine.artefacts.pixel_maps import PALETTES, features_of, write_map
from segmentation.engine.artefacts.source import Source
from segmentation.engine.exceptions import gettext_noop
from segmentation.engine.gmm.statistics.uncertainty import uncertainty


class Uncertainty(Artefact):
    name = "uncertainty"
    title = gettext_noop("Map of uncertainty")
    extension, content_type = "png", "image/png"
    depends_on = frozenset(
        {Dependency.COMPONENTS, Dependency.REVISION, Dependency.MIXTURE, Dependency.ORIGINAL},
    )
    palettes = PALETTES
    is_expensive = True

    def available(self, source: Source) -> bool:
        return not source.has_regions

    def version(self, source: Source) -> int:
        # Posteriors of clusters differ between revisions only if components are merged.
        return source.revision if source.legend.is_merged else 0

    def write(self, source: Source, file: IO[bytes], *, part: int | None = None) -> None:  # noqa: ARG002 - has no parts
        mixture, groups = source.mixture, source.legend.groups
        write_map(source, features_of(source), lambda values: uncertainty(mixture, values, groups), file)
