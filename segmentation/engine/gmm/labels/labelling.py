"""From a mixture to a label map: the most probable component of every pixel, exactly, and how many pixels each has."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.features.colour_spaces import Transform
from segmentation.engine.gmm.labels.table import UNKNOWN, LabelTable, Table, ValueTable
from segmentation.engine.gmm.mixture.densities import exact_parameters, most_probable, most_probable_at
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import Indices, expand
from segmentation.engine.gmm.pixels.distinct_colours import Codes, code_blocks, count_colours, encode, row_blocks
from segmentation.engine.gmm.pixels.eight_bit import EightBit
from segmentation.engine.gmm.pixels.one_band import OneBand
from segmentation.engine.gmm.pixels.per_pixel import PerPixel
from segmentation.engine.gmm.pixels.sample import NO_DATA, Mask, Sample
from segmentation.engine.gmm.pixels.source import FeatureSource
from segmentation.engine.progress import OnFraction, ignore_progress

DIRECT_PIXELS = 2**19
"""Up to so many pixels, each is judged by itself: a table costs more."""

COUNT_BLOCK = 2**16
"""Labels that are counted at a time: they stay in the cache."""

_BLOCK_NUMBERS = 2**18  # that are computed together: they stay in the cache

Labels = NDArray[np.uint8]
UnknownColours = tuple[Indices, Indices]  # where pixels are whose colours the table does not know, and their codes


@dataclass(frozen=True, slots=True, eq=False)
class LabelMap:
    """A label map, pixel by pixel."""

    labels: Labels  # (n,); `NO_DATA` where a pixel does not count
    areas: NDArray[np.int64]  # (K,) pixels of each component

    @classmethod
    def of(cls, labels: Labels, n_components: int) -> "LabelMap":
        """Count the areas of a label map of any shape."""
        areas = np.zeros(n_components, np.int64)
        flat = labels.reshape(-1)
        for begin in range(0, len(flat), COUNT_BLOCK):
            _mask_and_count(flat[begin : begin + COUNT_BLOCK], None, areas)
        return cls(flat, areas)


def label_pixels(
    picture: FeatureSource, mixture: Mixture, sample: Sample, on_fraction: OnFraction = ignore_progress
) -> LabelMap:
    """Label every pixel of a picture with its most probable component.

    Parameters
    ----------
    picture : FeatureSource
    mixture : Mixture
        Of the values of this picture.
    sample : Sample
        Pixels of it, whose colours a table begins with.
    on_fraction : callable
        Told the share that is done, up to 1.
    """
    match picture:
        case EightBit():
            return _label_eight_bit(picture, mixture, sample, on_fraction)
        case OneBand():
            return _label_one_band(picture, mixture, on_fraction)
        case PerPixel():
            return label_values(picture.features, picture.valid, mixture, on_fraction)
    raise TypeError(f"{type(picture).__name__} is no picture that can be labelled")


def _label_eight_bit(picture: EightBit, mixture: Mixture, sample: Sample, on_fraction: OnFraction) -> LabelMap:
    # A transform is worth computing once for each colour of the picture.
    transform = picture.transform
    codes = encode(sample.colours) if transform is None else count_colours(picture.pixels, picture.valid).codes
    return label_colours(picture.pixels, picture.valid, mixture, codes, transform=transform, on_fraction=on_fraction)


def _label_one_band(picture: OneBand, mixture: Mixture, on_fraction: OnFraction) -> LabelMap:
    table = mixture.predict(picture.values)
    labels, counts = np.empty(len(picture.codes), np.uint8), np.zeros(NO_DATA + 1, np.int64)
    for run in row_blocks(len(picture.codes)):
        table.take(picture.codes[run], out=labels[run], mode="clip")
        if picture.valid is not None:
            labels[run][~picture.valid[run]] = NO_DATA
        counts += np.bincount(labels[run], minlength=len(counts))
        on_fraction(run.stop / len(labels))
    return LabelMap(labels, counts[: mixture.n_components])


def label_colours(
    pixels: NDArray[np.uint8],
    valid: Mask | None,
    mixture: Mixture,
    codes: Codes,
    *,
    transform: Transform | None = None,
    on_fraction: OnFraction = ignore_progress,
) -> LabelMap:
    """Give each pixel of an 8-bit RGB picture its label.

    Parameters
    ----------
    pixels : ndarray, shape (n, 3), uint8, C-contiguous
    valid : ndarray, shape (n,), bool, or None
        The others get `NO_DATA`.
    mixture : Mixture
        Of red, green and blue, or of what `transform` makes of them.
    codes : ndarray, shape (m,)
        Some of the picture's colours, for a table to begin with; those that are missing cost time only.
    transform : callable or None
        As in `colour_spaces`; None means the values as they are.
    on_fraction : callable
        Told how much is done, up to 1.
    """
    if transform is None and len(pixels) <= DIRECT_PIXELS:
        return label_values(pixels, valid, mixture, on_fraction)
    table: Table = (
        LabelTable(exact_parameters(mixture.theta())) if transform is None else ValueTable(mixture.theta(), transform)
    )
    table.fill(codes)
    labels, areas = np.empty(len(pixels), np.uint8), np.zeros(mixture.n_components, np.int64)
    unknown: list[UnknownColours] = []
    for run, at in code_blocks(pixels):
        part = labels[run]
        table.entries.take(at, mode="wrap", out=part)
        if part.max() == UNKNOWN:
            missing = np.flatnonzero((part == UNKNOWN) if valid is None else (part == UNKNOWN) & valid[run])
            unknown.append((missing + run.start, at[missing]))
        _mask_and_count(part, None if valid is None else valid[run], areas)
        on_fraction(run.stop / len(pixels))
    if unknown:
        indices, missed = (np.concatenate(part) for part in zip(*unknown, strict=True))
        labels[indices] = table.labels(missed)
        areas += np.bincount(labels[indices], minlength=len(areas))
    return LabelMap(labels, areas)


class Rows(Protocol):
    """Values (n, D) that need not be in memory all at once."""

    def __len__(self) -> int: ...

    def __getitem__(self, run: slice, /) -> NDArray[np.generic]: ...


def label_values(
    values: Rows,
    valid: Mask | None,
    mixture: Mixture,
    on_fraction: OnFraction = ignore_progress,
) -> LabelMap:
    """The same for whatever values (n, D) the mixture is of, each judged by itself."""
    theta = mixture.theta()
    rounded = exact_parameters(theta)
    labels, areas = np.empty(len(values), np.uint8), np.zeros(mixture.n_components, np.int64)
    length = _BLOCK_NUMBERS // max(theta.shape[1], 2 * len(theta))
    for begin in range(0, len(values), length):
        block = slice(begin, min(begin + length, len(values)))
        part, measured = labels[block], values[block]
        is_exact = measured.dtype == np.uint8
        part[:] = most_probable(rounded @ expand(measured)) if is_exact else most_probable_at(theta, measured)
        _mask_and_count(part, None if valid is None else valid[block], areas)
        on_fraction(block.stop / len(values))
    return LabelMap(labels, areas)


def _mask_and_count(labels: Labels, valid: Mask | None, areas: NDArray[np.int64]) -> None:
    """Count the labels of some pixels and take out those that do not count; both in place."""
    if valid is not None:
        labels[~valid] = NO_DATA
    matches = np.empty(len(labels), np.bool_)
    for number in range(len(areas)):
        areas[number] += np.count_nonzero(np.equal(labels, number, out=matches))
