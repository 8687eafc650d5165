"""Values of a decoded file: its bands and alpha channel in the file's own depth, before they are converted for display."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.imaging.calibration import Calibration
from segmentation.engine.imaging.notices import Notice

_BLOCK_PIXELS = 2**20  # a whole picture in double precision would take up to eight times its memory


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DecodedBands:
    """The values of a picture of any depth, with its alpha channel apart."""

    values: NDArray[np.generic]  # (H, W, B), without alpha; larger values are lighter
    alpha: NDArray[np.generic] | None  # (H, W), of the same dtype; None when the file has no alpha channel

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
    calibration: Calibration | None = None  # of the stored picture; None: as its metadata suggest


def row_blocks(array: NDArray[np.generic]) -> Iterator[slice]:
    """Yield the rows of an array (H, W, ...) as slices of about 2**20 pixels, so that wider temporary types need little memory."""
    height, width = array.shape[:2]
    rows = max(1, _BLOCK_PIXELS // width)
    return (slice(first, min(first + rows, height)) for first in range(0, height, rows))


def inverted(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return values in reversed order: negated floats, and integers with all bits inverted, which stay within their dtype."""
    invert: np.ufunc = np.negative if values.dtype.kind == "f" else np.invert
    result: NDArray[np.generic] = invert(values)
    return result


def largest_value(dtype: np.dtype[Any]) -> float:
    """Return the largest value of an integer dtype, and 1 for every other dtype."""
    return float(np.iinfo(dtype).max) if dtype.kind in "ui" else 1.0
