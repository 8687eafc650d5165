"""Pictures of a result that can be made again: labels, segmented, binary, at the current revision."""

from collections.abc import Callable
from typing import IO

from segmentation import files
from segmentation.engine.exports import binary_png, labels_png, segmented_png, thumbnail
from segmentation.engine.imaging import palettes
from segmentation.engine.legend import Legend
from segmentation.models import Run

_EXPORTS: dict[str, Callable[..., bytes]] = {
    "labels": labels_png.export,
    "segmented": segmented_png.export,
    "binary": binary_png.export,
}


def rendition(*, run: Run, name: str, separated: bool = False) -> bytes | IO[bytes]:
    """Return `labels`, `segmented` or `binary` of the run's current revision as a PNG file.

    The attempt has stored the pictures of revision 0. Those of an edited legend are made when first asked for and kept
    under the revision's number. With `separated`, the segmented picture has well-separated colours instead of the
    legend's; that swaps a few hundred bytes and is not kept.
    """
    key = files.run_key(run.pk, run.result.lease, files.rendition_name(name, run.revision))
    if not separated and files.exists(key):
        return files.open_file(key)
    legend = Legend.from_mapping(run.current_revision.legend)
    colours = palettes.separated(len(legend.clusters)) if separated else None
    picture = _EXPORTS[name](files.read(run.result.files["components.png"]["key"]), legend, colours=colours)
    if not separated:
        files.put(key, picture)
    return picture


def run_thumbnail(*, run: Run) -> IO[bytes]:
    """Return the thumbnail of the run's current revision: the attempt's own until clusters are merged."""
    key = str(run.result.files["thumbnail"]["key"])
    legend = Legend.from_mapping(run.current_revision.legend)
    if legend.is_merged:
        key = files.run_key(run.pk, run.result.lease, f"thumbnail.{run.revision}")
        if not files.exists(key):
            files.put(key, thumbnail.export(files.read(run.result.files["components.png"]["key"]), legend))
    return files.open_file(key)
