"""Pictures of a result at its current revision: labels, segmented, binary, thumbnail."""

from collections.abc import Callable
from typing import IO

from segmentation import files
from segmentation.engine.exports import binary_png, labels_png, segmented_png, thumbnail
from segmentation.engine.imaging import index_png, palettes
from segmentation.engine.legend import Legend
from segmentation.models import Run, User
from segmentation.services.caching import cached_file

_EXPORTS: dict[str, Callable[..., bytes]] = {
    "labels": labels_png.export,
    "segmented": segmented_png.export,
    "binary": binary_png.export,
}

_SMALL = 1_000_000  # pixels: many of them stand on one page


def rendition(*, run: Run, name: str, separated: bool = False, actor: User | None = None) -> bytes | IO[bytes]:
    """Return `labels`, `segmented` or `binary` of the run's current revision as a PNG file.

    The attempt has stored the binary picture of revision 0. All others are made when first asked for, and of each the newest
    is cached. Labels and segmented pictures are not, as long as nothing is merged: they are the component map under another
    header. With `separated`, the segmented picture has well-separated colours instead of the legend's.

    Parameters
    ----------
    actor : User or None
        Who waits for it, and in whose place it is made; None means the owner.

    Raises
    ------
    RateLimited, Busy
        When there is no place to make it in.
    """
    legend = Legend.from_mapping(run.current_revision.legend)
    colours = palettes.separated(len(legend.clusters)) if separated else None
    if name != "binary" and legend.is_plain:
        return _EXPORTS[name](_components_png(run), legend, colours=colours)
    picture = _stored_or_cached(run, name, legend, actor)
    if colours is None:
        return picture
    with picture:
        return index_png.with_palette(picture.read(), colours)


def _stored_or_cached(run: Run, name: str, legend: Legend, actor: User | None) -> IO[bytes]:
    stored = run.result.files.get(f"{name}.png")
    if stored is not None and run.revision == 0:
        return files.open_file(stored["key"])
    return cached_file(
        thing=run,
        name=f"{name}.png",
        version=run.revision,
        make=lambda: _EXPORTS[name](_components_png(run), legend),
        actor=actor,
        is_cheap=_is_small(run),
    )


def run_thumbnail(*, run: Run, actor: User | None = None) -> IO[bytes]:
    """Return the thumbnail of the run's current revision: the attempt's own until clusters are merged."""
    legend = Legend.from_mapping(run.current_revision.legend)
    if not legend.is_merged:
        return files.open_file(run.result.files["thumbnail"]["key"])
    return cached_file(
        thing=run,
        name="thumbnail",
        version=run.revision,
        make=lambda: thumbnail.export(_components_png(run), legend),
        actor=actor,
        is_cheap=_is_small(run),
    )


def _is_small(run: Run) -> bool:
    return run.image.width * run.image.height <= _SMALL


def _components_png(run: Run) -> bytes:
    return files.read(run.result.files["components.png"]["key"])
