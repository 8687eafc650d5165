"""`StoredResult`, the source of artefacts that reads the rows and files of a run.

The sources that need no database are in `segmentation.engine.pipeline.sources`.
"""

import io
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation import files
from segmentation.engine.artefacts import Counts, FitDetails, PictureDetails, Source
from segmentation.engine.exceptions import gettext_noop
from segmentation.engine.gmm import Component, Coverage, Mixture
from segmentation.engine.gmm.statistics.bands import BandSums
from segmentation.engine.imaging import FileDescription, Header, Notice
from segmentation.engine.imaging.areas import MapAreas
from segmentation.engine.legend import Legend
from segmentation.engine.recipe import Inputs, Recipe
from segmentation.exceptions import Conflict
from segmentation.models import Image, Revision, Run

_ATTRIBUTE = "_stored_result"
_COUNTS = ("valid_pixels", "left_out_pixels", "fitted_pixels", "distinct_colours")


class StoredResult(Source):
    """The result of a run at one revision of its legend. It is not changed; an edit of the legend needs a new object."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.result = run.result
        self.revision = run.revision

    @cached_property
    def current_revision(self) -> Revision:
        if self.run.revision == self.revision:
            return self.run.current_revision
        return self.run.revisions.get(number=self.revision)  # the run has a newer revision by now

    @cached_property
    def recipe(self) -> Recipe:  # type: ignore[override] # a cached property in place of an attribute
        return Recipe.from_mapping(self.run.recipe)

    @property
    def has_regions(self) -> bool:
        return self.run.has_regions  # without parsing the recipe

    @cached_property
    def inputs(self) -> Inputs:  # type: ignore[override] # as above
        return Inputs.from_mapping(self.run.inputs)

    @cached_property
    def legend(self) -> Legend:  # type: ignore[override] # as above
        return Legend.from_mapping(self.current_revision.legend)

    @cached_property
    def mixture(self) -> Mixture:  # type: ignore[override] # as above
        return Mixture.from_mapping(self.result.mixture)

    @cached_property
    def components(self) -> tuple[Component, ...]:  # type: ignore[override] # as above
        return tuple(map(Component.from_mapping, self.result.components))

    @cached_property
    def coverage(self) -> Coverage | None:  # type: ignore[override] # as above
        stored = self.result.extras.get("coverage")
        return None if stored is None else Coverage.from_mapping(stored)

    @cached_property
    def gain(self) -> float | None:  # type: ignore[override] # as above
        stored = self.result.extras.get("gain")
        return None if stored is None else float(stored)

    @cached_property
    def picture(self) -> PictureDetails:  # type: ignore[override] # as above
        image, stored = self.run.image, self.result.extras
        notices = stored.get("notices", image.notices)
        return PictureDetails(
            name=image.name,
            sha256=image.sha256,
            size=image.bytes,
            header=Header(**stored["header"]) if "header" in stored else _header(image),
            notices=tuple(map(Notice.from_mapping, notices)),
            description=image.with_pixel_size(FileDescription.from_mapping(stored)),
        )

    @cached_property
    def map_areas(self) -> MapAreas | None:  # type: ignore[override] # as above
        stored = self.result.extras.get("map_areas")
        return None if stored is None else MapAreas.from_mapping(stored)

    @cached_property
    def band_sums(self) -> BandSums | None:  # type: ignore[override] # as above
        stored = self.result.extras.get("band_sums")
        return None if stored is None else BandSums.from_mapping(stored)

    @cached_property
    def counts(self) -> Counts:  # type: ignore[override] # as above
        stored, image = self.result.extras, self.run.image
        known = {name: int(stored.get(name, 0)) for name in _COUNTS}
        return Counts(width=image.width, height=image.height, **known)

    @cached_property
    def is_complete(self) -> bool:  # type: ignore[override] # as above
        stored = self.result.extras
        has_header = "header" in stored or _header(self.run.image) is not None
        return has_header and {"features", *_COUNTS} <= set(stored)

    @cached_property
    def details(self) -> FitDetails:  # type: ignore[override] # as above
        result = self.result
        return FitDetails(
            pixels_sha256=result.pixels_sha256,
            log_likelihood=result.log_likelihood,
            iterations=result.iterations,
            converged=result.converged,
            features=result.extras.get("features", {}),
            seconds=result.seconds,
            versions=result.versions,
        )

    @cached_property
    def components_png(self) -> bytes:  # type: ignore[override] # as above
        return files.read(self.result.files["components.png"]["key"])

    @cached_property
    def fit(self) -> Mapping[str, NDArray[Any]]:  # type: ignore[override] # as above
        stored = files.read(self.result.files["fit.npz"]["key"])
        with np.load(io.BytesIO(stored), allow_pickle=False) as arrays:
            return dict(arrays)

    def values_and_colours(self) -> tuple[NDArray[np.generic], NDArray[np.uint8]]:
        raise NotImplementedError("The picture is read in a limited child process: see `services.artefacts`.")


def stored_result(*, run: Run) -> StoredResult:
    """Return the result of a run at its current revision. It is cached on the `Run` instance, which lives for one request.

    Raises
    ------
    Conflict
        With `state_conflict` when the run has no result.
    """
    if not run.succeeded:
        raise Conflict("state_conflict", gettext_noop("This run has no result yet."))
    known: StoredResult | None = run.__dict__.get(_ATTRIBUTE)
    if known is None or known.revision != run.revision or known.result is not run.result:
        known = run.__dict__[_ATTRIBUTE] = StoredResult(run)
    return known


def _header(image: Image) -> Header | None:
    """Return the header of a picture for results of older releases, which did not store it.

    The row has width and height after the orientation was applied. For a picture that was rotated, those of the file are not
    known, and None is returned.
    """
    if any(notice["code"] == "orientation_applied" for notice in image.notices):
        return None
    return Header(
        format=image.format,
        width=image.width,
        height=image.height,
        bands=image.bands,
        dtype=image.dtype,
        frames=image.frames,
    )
