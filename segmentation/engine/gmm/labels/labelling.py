"""From a mixture to a label map: the most probable component of every pixel, exactly, and how many pixels each has."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.features.colour_spaces import Transform
from segmentation.engine.gmm.labels.table import UNKNOWN, LabelTable, Table, ValueTable
from segmentation.engine.gmm.mixture.densities import exact, labels_of, most_probable
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import Places, expand
from segmentation.engine.gmm.pixels.distinct_colours import Codes, runs
from segmentation.engine.progress import OnFraction, silent

NO_DATA = 255
"""Label of pixels that do not count."""

DIRECT = 2**19
"""Up to so many pixels, each is judged by itself: a table costs more."""

COUNTED = 2**16
"""Labels that are counted at a time: they stay in the cache."""

_NUMBERS = 2**18  # that are computed together: they stay in the cache

Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Gaps = tuple[Places, Places]  # where pixels are whose colours the table does not know, and their codes


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """A label map, pixel by pixel."""

    labels: Labels  # (n,); `NO_DATA` where a pixel does not count
    areas: NDArray[np.int64]  # (K,) pixels of each component

    @classmethod
    def of(cls, labels: Labels, n_components: int) -> "Painted":
        """Count the areas of a label map of any shape."""
        areas = np.zeros(n_components, np.int64)
        flat = labels.reshape(-1)
        for begin in range(0, len(flat), COUNTED):
            _finish(flat[begin : begin + COUNTED], None, areas)
        return cls(flat, areas)


def paint(
    pixels: NDArray[np.uint8],
    valid: Mask | None,
    mixture: Mixture,
    codes: Codes,
    *,
    transform: Transform | None = None,
    on_fraction: OnFraction = silent,
) -> Painted:
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
    if transform is None and len(pixels) <= DIRECT:
        return paint_values(pixels, valid, mixture, on_fraction)
    table: Table = LabelTable(exact(mixture.theta())) if transform is None else ValueTable(mixture.theta(), transform)
    table.fill(codes)
    labels, areas = np.empty(len(pixels), np.uint8), np.zeros(mixture.n_components, np.int64)
    gaps: list[Gaps] = []
    for run, at in runs(pixels):
        part = labels[run]
        table.entries.take(at, mode="wrap", out=part)
        if part.max() == UNKNOWN:
            missing = np.flatnonzero((part == UNKNOWN) if valid is None else (part == UNKNOWN) & valid[run])
            gaps.append((missing + run.start, at[missing]))
        _finish(part, None if valid is None else valid[run], areas)
        on_fraction(run.stop / len(pixels))
    if gaps:
        places, missed = (np.concatenate(part) for part in zip(*gaps, strict=True))
        labels[places] = table.labels(missed)
        areas += np.bincount(labels[places], minlength=len(areas))
    return Painted(labels, areas)


class Rows(Protocol):
    """Values (n, D) that need not be in memory all at once."""

    def __len__(self) -> int: ...

    def __getitem__(self, run: slice, /) -> NDArray[np.generic]: ...


def paint_values(
    values: Rows,
    valid: Mask | None,
    mixture: Mixture,
    on_fraction: OnFraction = silent,
) -> Painted:
    """The same for whatever values (n, D) the mixture is of, each judged by itself."""
    theta = mixture.theta()
    rounded = exact(theta)
    labels, areas = np.empty(len(values), np.uint8), np.zeros(mixture.n_components, np.int64)
    length = _NUMBERS // max(theta.shape[1], 2 * len(theta))
    for begin in range(0, len(values), length):
        block = slice(begin, min(begin + length, len(values)))
        part, measured = labels[block], values[block]
        is_exact = measured.dtype == np.uint8
        part[:] = most_probable(rounded @ expand(measured)) if is_exact else labels_of(theta, measured)
        _finish(part, None if valid is None else valid[block], areas)
        on_fraction(block.stop / len(values))
    return Painted(labels, areas)


def _finish(labels: Labels, valid: Mask | None, areas: NDArray[np.int64]) -> None:
    """Count the labels of some pixels and take out those that do not count; both in place."""
    if valid is not None:
        labels[~valid] = NO_DATA
    matches = np.empty(len(labels), np.bool_)
    for number in range(len(areas)):
        areas[number] += np.count_nonzero(np.equal(labels, number, out=matches))
