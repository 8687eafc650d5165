"""Values of a decoded file: its bands and alpha channel in the file's own depth, before they are converted for display."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.exceptions import Refusal, gettext_noop
from segmentation.engine.imaging.calibration import Calibration
from segmentation.engine.imaging.layout import Layout
from segmentation.engine.imaging.notices import Notice

_BLOCK_PIXELS = 2**20  # a whole picture in double precision would take up to eight times its memory


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecodedBands:
    """The values of a picture of any depth, with its alpha channel apart, and what its file says about missing data."""

    values: NDArray[np.generic]  # (H, W, B), without alpha; larger values are lighter
    alpha: NDArray[np.generic] | None  # (H, W), of the same dtype, to be blended with white; None: no such channel
    visible: NDArray[np.bool_] | None = (
        None  # (H, W), where an alpha channel that is not blended is above 0; None: everywhere
    )
    mask: NDArray[np.bool_] | None = None  # (H, W), where the file's own mask says that there are data; None: no mask
    no_data_value: float | None = None  # stands for no data where all bands equal it
    white: float | None = None  # value displayed as white, with 0 as black; None: the range of the values is displayed
    display_table: NDArray[np.uint8] | None = None  # (N, 3), colours in which the values of a single band are displayed

    @property
    def displayed(self) -> NDArray[np.generic]:
        """The bands that are displayed: the first three as red, green and blue (H, W, 3), of fewer the first as grey (H, W, 1)."""
        return self.values[:, :, : 3 if self.values.shape[2] >= 3 else 1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecodedFile:
    """What a codec returns for a file, before its colour profile and orientation are applied."""

    bands: DecodedBands
    orientation: int  # EXIF value 1 to 8; 1 when the codec has applied it
    profile: bytes | None  # ICC; None when there is none, or it has been applied
    notices: list[Notice] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    layout: Layout | None = None  # None: one picture of one plane, as the header says
    calibration: Calibration | None = None  # of the upright picture; None: as its metadata suggest


def row_blocks(array: NDArray[np.generic]) -> Iterator[slice]:
    """Yield the rows of an array (H, W, ...) as slices of about 2**20 pixels, so that wider temporary types need little memory."""
    height, width = array.shape[:2]
    rows = max(1, _BLOCK_PIXELS // width)
    return (slice(first, min(first + rows, height)) for first in range(0, height, rows))


def select_bands(bands: DecodedBands, channels: tuple[int, ...]) -> DecodedBands:
    """Return the bands with these indices, in this order; three selected bands are displayed as red, green and blue.

    Raises
    ------
    Refusal
        With `invalid_request` for a band that the picture does not have.
    """
    count = bands.values.shape[2]
    if max(channels) >= count:
        raise Refusal(
            "invalid_request",
            gettext_noop("The picture has %(count)s channels: choose from 1 to %(count)s."),
            count=count,
            field="channels",
        )
    return replace(bands, values=np.ascontiguousarray(bands.values[:, :, list(channels)]))


def inverted(values: NDArray[np.generic], bits: int) -> NDArray[np.generic]:
    """Return values in reversed order: negated floats and signed integers, and unsigned integers of so many bits inverted."""
    if values.dtype.kind != "u":
        invert: np.ufunc = np.negative if values.dtype.kind == "f" else np.invert
        reversed_values: NDArray[np.generic] = invert(values)
        return reversed_values
    largest = np.array(2**bits - 1, values.dtype)
    difference: NDArray[np.generic] = np.subtract(largest, values, dtype=values.dtype)
    return difference


def largest_value(dtype: np.dtype[Any]) -> float:
    """Return the largest value of an integer dtype, and 1 for every other dtype."""
    return float(np.iinfo(dtype).max) if dtype.kind in "ui" else 1.0
