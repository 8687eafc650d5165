"""Labelling of every pixel with its most probable component, and the number of pixels of each component."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.features.colour_spaces import Transform
from segmentation.engine.gmm.labels.table import UNKNOWN, LabelTable, Table, ValueTable
from segmentation.engine.gmm.mixture.densities import exact_parameters, most_probable, most_probable_at
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import Indices, expand
from segmentation.engine.gmm.pixels.distinct_colours import Codes, code_blocks, count_colours, encode, index_blocks
from segmentation.engine.gmm.pixels.eight_bit import EightBit
from segmentation.engine.gmm.pixels.one_band import OneBand
from segmentation.engine.gmm.pixels.per_pixel import PerPixel
from segmentation.engine.gmm.pixels.sample import NO_DATA, Mask, Sample
from segmentation.engine.gmm.pixels.source import FeatureSource
from segmentation.engine.progress import OnFraction, ignore_progress

DIRECT_PIXELS = 2**19
"""Up to this number of pixels, each pixel is labelled by itself; for more, a table of colours is faster."""

COUNT_BLOCK = 2**16
"""Number of labels that are counted at a time; they fit the processor's cache."""

_BLOCK_NUMBERS = 2**18  # numbers that are computed at a time; they fit the processor's cache

Labels = NDArray[np.uint8]
UnknownColours = tuple[Indices, Indices]  # indices of pixels whose colours are not in the table, and their codes


@dataclass(frozen=True, slots=True, eq=False)
class LabelMap:
    """The labels of all pixels in row-major order, with the number of pixels of each component."""

    labels: Labels  # (n,); `NO_DATA` where a pixel is not valid
    areas: NDArray[np.int64]  # (K,) pixels of each component

    @classmethod
    def of(cls, labels: Labels, n_components: int) -> "LabelMap":
        """Return the label map of an array of labels of any shape, with the pixels of each component counted."""
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
        Over the features of this picture.
    sample : Sample
        Pixels of the picture, with whose colours a table is filled before all pixels are labelled.
    on_fraction : callable
        Called with the fraction of the work that is done, up to 1.
    """
    match picture:
        case EightBit():
            return _label_eight_bit(picture, mixture, sample, on_fraction)
        case OneBand():
            return _label_one_band(picture, mixture, on_fraction)
        case PerPixel():
            return label_values(picture.features, picture.valid, mixture, on_fraction)
    raise TypeError(f"{type(picture).__name__} is not a feature source that can be labelled")


def _label_eight_bit(picture: EightBit, mixture: Mixture, sample: Sample, on_fraction: OnFraction) -> LabelMap:
    # Converting and labelling each distinct colour once is faster than doing so for each pixel.
    transform = picture.transform
    codes = encode(sample.colours) if transform is None else count_colours(picture.pixels, picture.valid).codes
    return label_colours(picture.pixels, picture.valid, mixture, codes, transform=transform, on_fraction=on_fraction)


def _label_one_band(picture: OneBand, mixture: Mixture, on_fraction: OnFraction) -> LabelMap:
    table = mixture.predict(picture.values)
    labels, counts = np.empty(len(picture.codes), np.uint8), np.zeros(NO_DATA + 1, np.int64)
    for block in index_blocks(len(picture.codes)):
        table.take(picture.codes[block], out=labels[block], mode="clip")
        if picture.valid is not None:
            labels[block][~picture.valid[block]] = NO_DATA
        counts += np.bincount(labels[block], minlength=len(counts))
        on_fraction(block.stop / len(labels))
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
    """Label every pixel of an 8-bit RGB picture by a table of its colours.

    Parameters
    ----------
    pixels : ndarray, shape (n, 3), uint8, C-contiguous
    valid : ndarray, shape (n,), bool, or None
        Pixels that are not valid get `NO_DATA`.
    mixture : Mixture
        Over red, green and blue, or over the results of `transform`.
    codes : ndarray, shape (m,)
        Colours with which the table is filled first. Labels do not depend on them, but colours that are missing take longer.
    transform : callable or None
        A conversion from `colour_spaces`; None means none.
    on_fraction : callable
        Called with the fraction of the work that is done, up to 1.
    """
    if transform is None and len(pixels) <= DIRECT_PIXELS:
        return label_values(pixels, valid, mixture, on_fraction)
    table: Table = (
        LabelTable(exact_parameters(mixture.theta())) if transform is None else ValueTable(mixture.theta(), transform)
    )
    table.fill(codes)
    labels, areas = np.empty(len(pixels), np.uint8), np.zeros(mixture.n_components, np.int64)
    unknown: list[UnknownColours] = []
    for block, block_codes in code_blocks(pixels):
        part = labels[block]
        table.entries.take(block_codes, mode="wrap", out=part)
        if part.max() == UNKNOWN:
            missing = np.flatnonzero((part == UNKNOWN) if valid is None else (part == UNKNOWN) & valid[block])
            unknown.append((missing + block.start, block_codes[missing]))
        _mask_and_count(part, None if valid is None else valid[block], areas)
        on_fraction(block.stop / len(pixels))
    if unknown:
        indices, unknown_codes = (np.concatenate(part) for part in zip(*unknown, strict=True))
        labels[indices] = table.labels(unknown_codes)
        areas += np.bincount(labels[indices], minlength=len(areas))
    return LabelMap(labels, areas)


class Rows(Protocol):
    """Features (n, D) that are computed when rows of them are selected."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> NDArray[np.generic]: ...


def label_values(
    values: Rows,
    valid: Mask | None,
    mixture: Mixture,
    on_fraction: OnFraction = ignore_progress,
) -> LabelMap:
    """Label each row of features (n, D) by itself; other parameters and result as in `label_colours`."""
    theta = mixture.theta()
    rounded = exact_parameters(theta)
    labels, areas = np.empty(len(values), np.uint8), np.zeros(mixture.n_components, np.int64)
    length = _BLOCK_NUMBERS // max(theta.shape[1], 2 * len(theta))
    for begin in range(0, len(values), length):
        block = slice(begin, min(begin + length, len(values)))
        part, rows = labels[block], values[block]
        is_exact = rows.dtype == np.uint8
        part[:] = most_probable(rounded @ expand(rows)) if is_exact else most_probable_at(theta, rows)
        _mask_and_count(part, None if valid is None else valid[block], areas)
        on_fraction(block.stop / len(values))
    return LabelMap(labels, areas)


def _mask_and_count(labels: Labels, valid: Mask | None, areas: NDArray[np.int64]) -> None:
    """Set the labels of pixels that are not valid to `NO_DATA`, and add the counts of the others to `areas`; in place."""
    if valid is not None:
        labels[~valid] = NO_DATA
    matches = np.empty(len(labels), np.bool_)
    for number in range(len(areas)):
        areas[number] += np.count_nonzero(np.equal(labels, number, out=matches))
