"""`evidence-4.png`: small segmented pictures of each number of clusters that was tried when the engine chose it."""

from collections.abc import Sequence
from typing import IO

from segmentation.engine.artefacts.artefact import Artefact, Dependency
from segmentation.engine.artefacts.source import Source
from segmentation.engine.exceptions import gettext_noop
from segmentation.engine.imaging import index_png


class EvidencePicture(Artefact):
    """Small segmented pictures: part n is the one of n clusters."""

    name = "evidence"
    title = gettext_noop("Picture in %(part)s clusters")
    parts_folder = "evidence"
    extension, content_type = "png", "image/png"
    depends_on = frozenset({Dependency.FIT})
    is_offered = False

    def available(self, source: Source) -> bool:
        return "evidence_maps" in source.fit

    def parts(self, source: Source) -> Sequence[int]:
        return range(1, len(source.fit.get("evidence_maps", ())) + 1)

    def is_cached(self, source: Source) -> bool:  # noqa: ARG002 - it is made in a millisecond
        return False

    def write(self, source: Source, file: IO[bytes], *, part: int | None = None) -> None:
        if part is None:
            raise ValueError("A number of clusters is needed.")
        colours = ["#{:02x}{:02x}{:02x}".format(*colour) for colour in source.fit["evidence_colours"][part - 1]]
        file.write(index_png.with_palette(index_png.encode(source.fit["evidence_maps"][part - 1]), colours))
