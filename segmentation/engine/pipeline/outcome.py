"""From a file to an outcome: decode, fit, label, encode the master map."""

import hashlib
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import PIL
import scipy
from numpy.typing import NDArray

from segmentation import __version__
from segmentation.engine import decoder
from segmentation.engine import legend as legends
from segmentation.engine.gmm import Segmentation, segment
from segmentation.engine.imaging import Header, Limits, Notice, index_png
from segmentation.engine.legend import Legend
from segmentation.engine.pipeline.evidence import evidence
from segmentation.engine.pipeline.resolve_inputs import read_left_out, starting_mixture, starting_units, valid_pixels
from segmentation.engine.progress import OnProgress, Stage
from segmentation.engine.recipe import Inputs, Recipe, reconcile
from segmentation.engine.sandbox import Allowance


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What the engine returns: a function of the file's bytes, the recipe and the inputs, and of nothing else.

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
    tell = on_progress or _silent
    recipe, start = reconcile(recipe, inputs), starting_mixture(inputs)
    begun = time.perf_counter()
    tell(Stage.READING, 0.0)
    picture = decoder.decode(data, name=name, limits=limits, reading=inputs.reading, allowance=decoding)
    height, width = picture.pixels.shape[:2]
    mask = read_left_out(inputs, masters, shape=(height, width), limits=limits, allowance=decoding)
    valid = valid_pixels(picture.valid, mask)
    tell(Stage.READING, 1.0)
    reading = time.perf_counter() - begun
    segmentation = segment(
        picture.data,
        recipe,
        valid=valid,
        shown=picture.pixels,
        start=start,
        start_units=starting_units(inputs),
        on_progress=tell,
    )
    begun = time.perf_counter()
    tell(Stage.WRITING, 0.0)
    components_png = index_png.encode(segmentation.labels)
    writing = time.perf_counter() - begun
    return Outcome(
        name=name,
        sha256=hashlib.sha256(data).hexdigest(),
        size=len(data),
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
