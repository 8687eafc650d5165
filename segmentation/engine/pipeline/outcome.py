"""The segmentation of a picture file: decode, fit, label, encode the component map."""

import functools
import hashlib
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import PIL
import scipy
from numpy.typing import NDArray

from segmentation import __version__
from segmentation.engine import decoder
from segmentation.engine import legend as legends
from segmentation.engine.gmm import Segmentation, segment
from segmentation.engine.gmm.statistics.bands import BandSums, band_sums
from segmentation.engine.imaging import FileDescription, Header, Limits, Notice, Picture, index_png
from segmentation.engine.imaging.areas import MapAreas, pixel_areas
from segmentation.engine.legend import Legend
from segmentation.engine.model import FittedModel
from segmentation.engine.pipeline.evidence import evidence
from segmentation.engine.pipeline.resolve_inputs import read_input_mask, starting_mixture, starting_units, valid_pixels
from segmentation.engine.progress import OnProgress, Stage, ignore_stage_progress
from segmentation.engine.recipe import Inputs, Recipe, reconcile
from segmentation.engine.sandbox import Allowance


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """The result of `run`. Apart from `name`, `seconds` and `versions` it depends on file, recipe and inputs only."""

    name: str  # of the file, as the person named it
    sha256: str  # of the file
    size: int  # of the file, in bytes
    header: Header  # as stored in the file
    notices: tuple[Notice, ...]  # what was converted, reduced or ignored when it was read
    description: FileDescription  # what the file contains besides pixels
    recipe: Recipe
    inputs: Inputs
    left_out_pixels: int  # number of pixels that the mask of the inputs leaves out
    segmentation: Segmentation
    components_png: bytes  # the component map as a palette PNG
    pixels_sha256: str  # of the labels, by `pixels_sha256`
    map_areas: MapAreas  # of the components, by the size and the place of pixels in the file
    band_sums: BandSums | None  # of each component; None for pictures of 8 bits, whose mean colours say the same
    legend: Legend  # the first one: a cluster for each component
    evidence: dict[
        str, NDArray[np.generic]
    ]  # result of `evidence.evidence`; empty when the recipe gives the number of clusters
    seconds: dict[str, float]  # by the value of the stage
    versions: dict[str, str]  # of the software that the result depends on, by name
    applied_model: str | None = None  # SHA-256 of the fitted model; None when the mixture was fitted to this picture


def run(
    data: bytes,
    *,
    name: str,
    recipe: Recipe,
    inputs: Inputs = Inputs(),  # noqa: B008 - frozen
    masters: Mapping[str, bytes] = MappingProxyType({}),
    limits: Limits,
    decoding: Allowance = decoder.DEFAULT_ALLOWANCE,
    on_progress: OnProgress | None = None,
) -> Outcome:
    """Segment a picture file.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name, for messages and for the comparison of extension and content.
    recipe : Recipe
    inputs : Inputs
        A starting mixture among them decides the number of clusters.
    masters : mapping of str to bytes
        The files that the inputs refer to, by their SHA-256.
    limits : Limits
        Limits for the file.
    decoding : Allowance
        Memory and seconds that decoding may take.
    on_progress : callable or None
        Called with the stage and the fraction of it that is done. The stage of writing begins here and is continued by the
        caller.

    Raises
    ------
    Refusal
        When the file is not a picture within the limits.
    BadRecipe
        When recipe and inputs do not agree.
    SegmentationError
        `empty`: no pixel is visible, or the mask leaves none; `invalid_request`: the starting mixture or the mask does not
        match the picture; `corrupt`: a file in `masters` has another hash; the codes of `decoder.decode`.
    """
    recipe, start = reconcile(recipe, inputs), starting_mixture(inputs)
    fit = functools.partial(segment, recipe=recipe, start=start, start_units=starting_units(inputs))
    reader = _Reader(data, name, masters, limits, decoding)
    return _outcome(reader, fit, recipe=recipe, inputs=inputs, on_progress=on_progress or ignore_stage_progress)


def apply(
    data: bytes,
    *,
    name: str,
    model: FittedModel,
    inputs: Inputs = Inputs(),  # noqa: B008 - frozen
    masters: Mapping[str, bytes] = MappingProxyType({}),
    limits: Limits,
    decoding: Allowance = decoder.DEFAULT_ALLOWANCE,
    on_progress: OnProgress | None = None,
) -> Outcome:
    """Label a picture with a fitted model.

    For the picture that the model was fitted to, with the same mask, the labels are those of its run.

    Parameters
    ----------
    data, name, masters, limits, decoding, on_progress
        As in `run`.
    model : FittedModel
        Its recipe and legend are those of the outcome.
    inputs : Inputs
        Without a starting mixture: nothing is fitted.

    Raises
    ------
    Refusal, SegmentationError
        As `run`; also `invalid_request` when the picture has another number of bands or another depth than the model.
    """
    if inputs.mixture is not None:
        raise ValueError("A model is applied as it is: there is no fit that could begin with a mixture.")
    reader = _Reader(data, name, masters, limits, decoding)
    outcome = _outcome(
        reader, model.apply, recipe=model.recipe, inputs=inputs, on_progress=on_progress or ignore_stage_progress
    )
    return replace(outcome, legend=model.legend, applied_model=model.sha256)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the picture and the mask of an outcome."""

    data: bytes
    name: str
    masters: Mapping[str, bytes]
    limits: Limits
    decoding: Allowance

    def read(self, inputs: Inputs) -> tuple[Picture, NDArray[np.bool_] | None]:
        """Return the decoded picture, and the pixels (H, W) that the mask leaves out or None."""
        picture = decoder.decode(
            self.data, name=self.name, limits=self.limits, reading=inputs.reading, allowance=self.decoding
        )
        height, width = picture.pixels.shape[:2]
        mask = read_input_mask(inputs, self.masters, shape=(height, width), limits=self.limits, allowance=self.decoding)
        return picture, mask


def _outcome(
    reader: _Reader, segmenting: Callable[..., Segmentation], *, recipe: Recipe, inputs: Inputs, on_progress: OnProgress
) -> Outcome:
    """Decode a picture, segment it with `segmenting`, and encode the component map."""
    started = time.perf_counter()
    on_progress(Stage.READING, 0.0)
    picture, mask = reader.read(inputs)
    valid = valid_pixels(picture.valid, mask)
    on_progress(Stage.READING, 1.0)
    reading = time.perf_counter() - started
    measured = pixel_areas(picture.pixels.shape[:2], pixel_size=picture.pixel_size, georeference=picture.georeference)
    segmentation = segmenting(picture.data, valid=valid, shown=picture.pixels, on_progress=on_progress)
    started = time.perf_counter()
    on_progress(Stage.WRITING, 0.0)
    components_png = index_png.encode(segmentation.labels)
    map_areas = measured.of_map(segmentation.labels, len(segmentation.components))
    sums = _band_sums(picture, segmentation)
    writing = time.perf_counter() - started
    return Outcome(
        name=reader.name,
        sha256=hashlib.sha256(reader.data).hexdigest(),
        size=len(reader.data),
        header=picture.header,
        notices=(*picture.notices, *measured.notices),
        description=FileDescription.of(picture),
        recipe=recipe,
        inputs=inputs,
        left_out_pixels=0 if mask is None else int(np.count_nonzero(mask)),
        segmentation=segmentation,
        components_png=components_png,
        pixels_sha256=pixels_sha256(segmentation.labels),
        map_areas=map_areas,
        band_sums=sums,
        legend=legends.initial_legend(segmentation.components),
        evidence=evidence(segmentation, picture.pixels),
        seconds={Stage.READING.value: reading, **segmentation.seconds, Stage.WRITING.value: writing},
        versions=versions(),
    )


def _band_sums(picture: Picture, segmentation: Segmentation) -> BandSums | None:
    """Return the sums of each band over each component, unless the picture has one or three bands of 8 bits."""
    data = picture.data
    if data.dtype.itemsize == 1 and data.shape[2] in {1, 3}:
        return None
    return band_sums(data, segmentation.labels, len(segmentation.components))


def pixels_sha256(labels: NDArray[np.uint8]) -> str:
    """Return the SHA-256 of a label map (H, W), in hexadecimal.

    It is computed over the ASCII line ``uint8 H W`` with a line feed, followed by the labels row by row. Verification compares
    it instead of the hash of the PNG file, which depends on the version of zlib.
    """
    height, width = labels.shape
    digest = hashlib.sha256(f"{labels.dtype.name} {height} {width}\n".encode("ascii"))
    digest.update(np.ascontiguousarray(labels).data)
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of the software that a result depends on, by name."""
    return {
        "GMM Studio": __version__,
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "SciPy": scipy.__version__,
        "Pillow": PIL.__version__,
    }
