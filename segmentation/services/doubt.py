"""What a result says of single pixels: how sure it is of them, how usual they are, how probable each cluster is.

None of it is stored by a run. It is computed in a limited child when somebody asks, and cached: the maps, and the values of
all pixels in files of tiles, of which a look at one pixel reads no more than what is around it.
"""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO

import numpy as np
from django.conf import settings
from django.core.files.base import File
from numpy.typing import NDArray

from segmentation import files
from segmentation.engine import decoder, sandbox
from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.gmm import Mixture
from segmentation.engine.gmm.statistics import uncertainty as maps
from segmentation.engine.imaging import index_png, palettes
from segmentation.engine.legend import NO_DATA, Legend
from segmentation.engine.pipeline import doubt, looks
from segmentation.engine.recipe import Recipe
from segmentation.exceptions import Conflict
from segmentation.models import Image, Run, User
from segmentation.services.caching import cached_file
from segmentation.services.uploads import DECODE_SECONDS, require_readable

_OF_PICTURE, _OF_RESULT = "values", "looks"  # cached files of tiles
_COPY_BYTES = 2**22


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


def look(*, run: Run, x: int, y: int, actor: User | None = None) -> Look:
    """Return what the run's current revision says of the pixel in column `x` and row `y`, both from 0.

    The probabilities are the mixture's. Smoothing and cleaning change labels by what lies around, so that the pixel's own
    component need not be the most probable one. A region is sure of its pixels.

    Raises
    ------
    Conflict
        With `state_conflict` when the run has no result.
    SegmentationError
        With `invalid_request` outside the picture; of the sandbox.
    RateLimited, Busy
        When the values are not there yet, and there is no place to read them in.
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
    with _files_of_tiles(run, actor) as (picture, result):
        pixel = looks.pixel(picture, result, Recipe.from_mapping(run.recipe), y, x)
    seen = Look(x=x, y=y, colour=pixel.colour)
    if pixel.label == NO_DATA:
        return seen
    legend = Legend.from_mapping(run.current_revision.legend)
    seen = replace(seen, component=pixel.label, cluster=int(legend.cluster_of_component()[pixel.label]))
    mixture = Mixture.from_mapping(run.result.mixture)
    if run.has_regions:
        return _shared(seen, np.equal(np.arange(mixture.n_components), pixel.label).astype(float), legend)
    values = pixel.values
    return replace(
        _shared(seen, mixture.posterior(values), legend),
        values=[float(value) for value in values],
        log_density=float(mixture.log_density(values)),
        uncertainty=float(maps.uncertainty(mixture, values, legend.groups)),
        novelty=float(maps.novelty(mixture, values, pixel.reference)),
    )


def certainty_map(*, run: Run, name: str, heat: bool = False, actor: User | None = None) -> bytes | IO[bytes]:
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
        make=lambda: _drawn(run, name, legend, actor),
        actor=actor,
    )
    if not heat:
        return picture
    with picture:
        return index_png.with_palette(picture.read(), palettes.heat())


def _shared(seen: Look, posterior: NDArray[np.float64], legend: Legend) -> Look:
    """Give each component its probability, and each cluster the sum of its components'."""
    clusters = [float(posterior[list(group)].sum()) for group in legend.groups]
    return replace(seen, components=[float(share) for share in posterior], clusters=clusters)


@contextlib.contextmanager
def _files_of_tiles(run: Run, actor: User | None) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Open what is known of the pixels of a picture, and of those of a result of it; each is made once."""
    with contextlib.ExitStack() as opened:
        picture = opened.enter_context(_tiles_of_picture(run.image, actor))
        result = cached_file(
            thing=run, name=_OF_RESULT, make=lambda: _of_result(run, picture), in_parts=True, actor=actor
        )
        opened.enter_context(result)
        yield picture, result


def _of_picture(image: Image) -> File[bytes]:
    """Return the file of tiles of a picture, open; it is gone when it is closed."""
    require_readable(image)
    original = files.read(files.image_key(image.pk, "original"))
    picture = decoder.decode(original, name=image.name, limits=image.limits, allowance=_allowance())
    file = tempfile.NamedTemporaryFile(dir=files.incoming_folder())  # noqa: SIM115 - closed by who gets it
    try:
        looks.write_picture(picture, file)
    except BaseException:
        file.close()
        raise
    return File(file)


def _of_result(run: Run, picture: IO[bytes]) -> File[bytes]:
    """Return the file of tiles of a result, open; a limited child writes it, and it is gone when it is closed."""
    file = tempfile.NamedTemporaryFile(dir=files.incoming_folder())  # noqa: SIM115 - closed by who gets it
    try:
        with _copy(picture) as path:
            sandbox.call(
                looks.write_result,
                path,
                _components_png(run),
                Recipe.from_mapping(run.recipe),
                Mixture.from_mapping(run.result.mixture),
                Path(file.name),
                allowance=_allowance(),
            )
    except BaseException:
        file.close()
        raise
    return File(file)


@contextlib.contextmanager
def _copy(file: IO[bytes]) -> Iterator[Path]:
    """Have a copy of a cached file at a path, for a child to read."""
    with tempfile.NamedTemporaryFile(dir=files.incoming_folder()) as copy:
        file.seek(0)
        shutil.copyfileobj(file, copy, _COPY_BYTES)
        copy.flush()
        yield Path(copy.name)


def _drawn(run: Run, name: str, legend: Legend, actor: User | None) -> bytes:
    with _tiles_of_picture(run.image, actor) as picture, _copy(picture) as path:
        source = doubt.Source(
            picture=path,
            recipe=Recipe.from_mapping(run.recipe),
            mixture=Mixture.from_mapping(run.result.mixture),
            components_png=_components_png(run),
        )
        if name == "novelty":
            return sandbox.call(doubt.novelty_png, source, allowance=_allowance())
        return sandbox.call(doubt.uncertainty_png, source, legend.groups, allowance=_allowance())


def _tiles_of_picture(image: Image, actor: User | None) -> IO[bytes]:
    """Open the values of all pixels of a picture, made once."""
    return cached_file(thing=image, name=_OF_PICTURE, make=lambda: _of_picture(image), in_parts=True, actor=actor)


def _components_png(run: Run) -> bytes:
    return files.read(run.result.files["components.png"]["key"])


def _allowance() -> sandbox.Allowance:
    return sandbox.Allowance(memory=settings.GMM_RUN_MEMORY, seconds=DECODE_SECONDS)
