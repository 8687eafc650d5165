"""What a result says of single pixels: how sure it is of them, how usual they are, how probable each cluster is.

None of it is stored by a run. It is computed in a limited child when somebody asks: the maps are cached files, and of
the picture the last few parts that were asked for, in this process.
"""

import functools
import uuid
from dataclasses import dataclass, field, replace
from typing import IO

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from segmentation import files
from segmentation.engine import sandbox
from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.gmm import Mixture, maps
from segmentation.engine.imaging import index_png, palettes
from segmentation.engine.legend import NO_DATA, Legend
from segmentation.engine.pipeline import doubt
from segmentation.engine.recipe import Recipe
from segmentation.exceptions import Conflict
from segmentation.models import Run
from segmentation.services.caching import cached_file
from segmentation.services.uploads import DECODE_SECONDS, limits

_TILES = 64
"""Parts of pictures that a process remembers, each of at most 128 x 128 pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One pixel as a result sees it. Without data there is only its colour."""

    x: int
    y: int
    colour: tuple[int, int, int]  # red, green and blue as people see them
    component: int | None = None  # in the component map
    cluster: int | None = None
    components: list[float] = field(default_factory=list)  # posterior probability of each
    clusters: list[float] = field(default_factory=list)  # the same of clusters: the sum of their components'
    # What follows does not exist of regions.
    values: list[float] = field(default_factory=list)  # what the mixture is of
    log_density: float | None = None  # natural logarithm, per unit of the values
    uncertainty: float | None = None  # between clusters: 0 sure, 1 completely undecided
    novelty: float | None = None  # share of the fitted pixels that are likelier


def look(*, run: Run, x: int, y: int) -> Look:
    """Return what the run's current revision says of the pixel in column `x` and row `y`, both from 0.

    The probabilities are the mixture's. Smoothing and cleaning change labels by what lies around, so that the pixel's own
    component need not be the most probable one. A region is sure of its pixels.

    Raises
    ------
    Conflict
        With `state_conflict` when the run has no result.
    SegmentationError
        With `invalid_request` outside the picture; of the sandbox.
    """
    if not run.succeeded:
        raise Conflict("state_conflict", gettext_noop("This run has no result yet."))
    width, height = run.image.width, run.image.height
    if not (0 <= x < width and 0 <= y < height):
        raise SegmentationError(
            "invalid_request",
            gettext_noop(
                "There is no pixel at %(x)s, %(y)s: the picture is %(width)s pixels wide and %(height)s high."
            ),
            x=x,
            y=y,
            width=width,
            height=height,
        )
    tile = _tile(run.pk, run.result.lease, y // doubt.SIDE, x // doubt.SIDE)
    row, column = y % doubt.SIDE, x % doubt.SIDE
    red, green, blue = tile.colours[row, column].tolist()
    seen = Look(x=x, y=y, colour=(red, green, blue))
    label, values = int(tile.labels[row, column]), tile.values[row, column]
    if label == NO_DATA:
        return seen
    legend = Legend.from_mapping(run.current_revision.legend)
    seen = replace(seen, component=label, cluster=int(legend.cluster_of_component()[label]))
    mixture = Mixture.from_mapping(run.result.mixture)
    if run.has_regions:
        return _shared(seen, np.equal(np.arange(mixture.n_components), label).astype(float), legend)
    return replace(
        _shared(seen, mixture.posterior(values), legend),
        values=[float(value) for value in values],
        log_density=float(mixture.log_density(values)),
        uncertainty=float(maps.uncertainty(mixture, values, legend.groups)),
        novelty=float(maps.novelty(mixture, values, tile.reference)),
    )


def certainty_map(*, run: Run, name: str, heat: bool = False) -> bytes | IO[bytes]:
    """Return `uncertainty` or `novelty` of each pixel as a palette PNG in grey, or with `heat` in colours.

    Uncertainty is between the clusters of the current revision; until some are merged, and novelty always, all revisions
    share one file in the cache.

    Raises
    ------
    SegmentationError
        With `not_found` of regions, which have neither; of the sandbox.
    """
    if run.has_regions:
        raise SegmentationError("not_found", gettext_noop("Regions are sure of their pixels: there is no such map."))
    legend = Legend.from_mapping(run.current_revision.legend)
    depends = name == "uncertainty" and legend.is_merged
    picture = cached_file(
        thing=run,
        name=f"{name}.png",
        version=run.revision if depends else 0,
        make=lambda: _drawn(run, name, legend),
    )
    if not heat:
        return picture
    with picture:
        return index_png.with_palette(picture.read(), palettes.heat())


def _shared(seen: Look, posterior: NDArray[np.float64], legend: Legend) -> Look:
    """Give each component its probability, and each cluster the sum of its components'."""
    clusters = [float(posterior[list(group)].sum()) for group in legend.groups]
    return replace(seen, components=[float(share) for share in posterior], clusters=clusters)


@functools.lru_cache(maxsize=_TILES)
def _tile(run_id: uuid.UUID, lease: uuid.UUID, down: int, across: int) -> doubt.Tile:
    """A part of a result, read in a child; `lease` is there to tell attempts apart."""
    run = Run.objects.select_related("image", "result").get(pk=run_id, result__lease=lease)
    place = {"row": down * doubt.SIDE, "column": across * doubt.SIDE}
    return sandbox.call(doubt.tile, _source(run), **place, allowance=_allowance())


def _drawn(run: Run, name: str, legend: Legend) -> bytes:
    if name == "novelty":
        return sandbox.call(doubt.novelty_png, _source(run), allowance=_allowance())
    return sandbox.call(doubt.uncertainty_png, _source(run), legend.groups, allowance=_allowance())


def _source(run: Run) -> doubt.Source:
    return doubt.Source(
        original=files.read(files.image_key(run.image_id, "original")),
        name=run.image.name,
        limits=limits(),
        recipe=Recipe.from_mapping(run.recipe),
        mixture=Mixture.from_mapping(run.result.mixture),
        components_png=files.read(run.result.files["components.png"]["key"]),
    )


def _allowance() -> sandbox.Allowance:
    return sandbox.Allowance(memory=settings.GMM_RUN_MEMORY, seconds=DECODE_SECONDS)
