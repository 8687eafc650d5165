"""From a file to an outcome: decode, fit, label, encode the master map."""

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
from segmentation.engine.imaging import Header, Limits, Notice, Picture, index_png
from segmentation.engine.legend import Legend
from segmentation.engine.model import FittedModel
from segmentation.engine.pipeline.evidence import evidence
from segmentation.engine.pipeline.resolve_inputs import read_left_out, starting_mixture, starting_units, valid_pixels
from segmentation.engine.progress import OnProgress, Stage
from segmentation.engine.recipe import Inputs, Recipe, reconcile
from segmentation.engine.sandbox import Allowance


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What the engine returns: a function of the file's bytes, the recipe and the inputs (or a fitted model), and of nothing else.

    (`seconds`, `versions` and `name` describe how it came about.)
    """

    name: str  # of the file, for people
    sha256: str  # of the file
    size: int  # of the file, in bytes
    header: Header  # as stored in the file
    notices: tuple[Notice, ...]  # what was converted, reduced or ignored when it was read
    recipe: Recipe
    inputs: Inputs
    left_out_pixels: int  # by the mask of the inputs
    segmentation: Segmentation
    components_png: bytes  # the master map
    pixels_sha256: str  # of the master map's pixels
    legend: Legend  # the first one; people change it later
    evidence: dict[str, NDArray[np.generic]]  # why so many clusters; empty when they were asked for
    seconds: dict[str, float]  # by the value of the stage
    versions: dict[str, str]  # of what the bytes depend on
    applied_model: str | None = None  # SHA-256 of the fitted model; None when the mixture was fitted to this picture


def run(
    data: bytes,
    *,
    name: str,
    recipe: Recipe,
    inputs: Inputs = Inputs(),  # noqa: B008 - frozen
    masters: Mapping[str, bytes] = MappingProxyType({}),
    limits: Limits,
    decoding: Allowance = decoder.USUAL,
    on_progress: OnProgress | None = None,
) -> Outcome:
    """Segment a picture.

    Parameters
    ----------
    data : bytes
        The file as it is.
    name : str
        Its name, for messages and to compare the extension with the content.
    recipe, inputs
        What decides the result; a starting mixture says how many clusters there are.
    masters : mapping of str to bytes
        The files that the inputs name, by their SHA-256.
    limits : Limits
        What is admitted.
    decoding : Allowance
        What the decoder may take.
    on_progress : callable or None
        Told each stage and its done fraction. Writing is only announced: the caller goes on with it.

    Raises
    ------
    Refusal
        When the file is no picture that is admitted.
    BadRecipe
        When recipe and inputs do not agree.
    SegmentationError
        `empty`: no pixel of it is visible, or the mask leaves none; `invalid_request`: the starting mixture or the mask does
        not suit the picture; `corrupt`: a master is not the one that the inputs name; of the decoder.
    """
    recipe, start = reconcile(recipe, inputs), starting_mixture(inputs)
    fit = functools.partial(segment, recipe=recipe, start=start, start_units=starting_units(inputs))
    reader = _Reader(data, name, masters, limits, decoding)
    return _outcome(reader, fit, recipe=recipe, inputs=inputs, on_progress=on_progress or _silent)


def apply(
    data: bytes,
    *,
    name: str,
    model: FittedModel,
    inputs: Inputs = Inputs(),  # noqa: B008 - frozen
    masters: Mapping[str, bytes] = MappingProxyType({}),
    limits: Limits,
    decoding: Allowance = decoder.USUAL,
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
    outcome = _outcome(reader, model.apply, recipe=model.recipe, inputs=inputs, on_progress=on_progress or _silent)
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
        picture = decoder.decode(self.data, name=self.name, limits=self.limits, allowance=self.decoding)
        height, width = picture.pixels.shape[:2]
        mask = read_left_out(inputs, self.masters, shape=(height, width), limits=self.limits, allowance=self.decoding)
        return picture, mask


def _outcome(
    reader: _Reader, segmenting: Callable[..., Segmentation], *, recipe: Recipe, inputs: Inputs, on_progress: OnProgress
) -> Outcome:
    """Decode a picture, segment it with `segmenting`, and encode the component map."""
    begun = time.perf_counter()
    on_progress(Stage.READING, 0.0)
    picture, mask = reader.read(inputs)
    valid = valid_pixels(picture.valid, mask)
    on_progress(Stage.READING, 1.0)
    reading = time.perf_counter() - begun
    segmentation = segmenting(picture.data, valid=valid, shown=picture.pixels, on_progress=on_progress)
    begun = time.perf_counter()
    on_progress(Stage.WRITING, 0.0)
    components_png = index_png.encode(segmentation.labels)
    writing = time.perf_counter() - begun
    return Outcome(
        name=reader.name,
        sha256=hashlib.sha256(reader.data).hexdigest(),
        size=len(reader.data),
        header=picture.header,
        notices=tuple(picture.notices),
        recipe=recipe,
        inputs=inputs,
        left_out_pixels=0 if mask is None else int(np.count_nonzero(mask)),
        segmentation=segmentation,
        components_png=components_png,
        pixels_sha256=pixels_sha256(segmentation.labels),
        legend=legends.initial_legend(segmentation.components),
        evidence=evidence(segmentation, picture.pixels),
        seconds={Stage.READING.value: reading, **segmentation.seconds, Stage.WRITING.value: writing},
        versions=versions(),
    )


def pixels_sha256(labels: NDArray[np.uint8]) -> str:
    """SHA-256 of a label map (H, W) itself, which is what verification compares: PNG bytes depend on zlib.

    Over the line ``uint8 H W`` in ASCII with its line feed, then the values row by row.
    """
    height, width = labels.shape
    digest = hashlib.sha256(f"{labels.dtype.name} {height} {width}\n".encode("ascii"))
    digest.update(np.ascontiguousarray(labels).data)
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """What the bytes of a result depend on beside picture and recipe, with versions."""
    return {
        "GMM Studio": __version__,
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "SciPy": scipy.__version__,
        "Pillow": PIL.__version__,
    }


def _silent(_stage: Stage, _fraction: float) -> None:
    """Ignore progress."""
