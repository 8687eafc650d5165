"""Arrays of any depth and number of bands: 8-bit red, green and blue to be shown, and what is to be fitted in all its bits.

What is shown is reduced linearly from the range that the data really have, over all bands shown together, so that nothing is
clipped and the balance of the bands stays. What is fitted keeps its type and all its bands; where nothing was reduced, both
are one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.imaging.notices import Notice

_ROWS_AT_A_TIME = 2**20  # pixels; a whole picture in double precision would take eight times its memory


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Planes:
    """A decoded picture of any depth."""

    bands: NDArray[np.generic]  # (H, W, B), without alpha; larger values are lighter
    alpha: NDArray[np.generic] | None  # (H, W), of the same type

    @property
    def colour(self) -> NDArray[np.generic]:
        """The bands that are shown: the first as grey (H, W, 1), of three or more the first three (H, W, 3)."""
        return self.bands[:, :, : 3 if self.bands.shape[2] >= 3 else 1]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reduced:
    """What is shown and what is fitted of a picture."""

    pixels: NDArray[np.uint8]  # (H, W, 3), transparency over white
    data: NDArray[np.generic]  # (H, W, B) likewise; `pixels` itself for three bands of 8 bits
    valid: NDArray[np.bool_] | None  # (H, W), False where a pixel is fully transparent or no number; None: all count
    notices: list[Notice]


def reduced(planes: Planes) -> Reduced:
    """Reduce what is shown to 8 bits, and keep what is fitted."""
    notices: list[Notice] = []
    finite = _finite(planes.bands)
    if finite is not None:
        notices.append(Notice("no_data", {"pixels": int((~finite).sum())}))
    valid = _both(finite, _visible(planes))
    low, high = _shown_range(planes.colour, valid)
    pixels, reduction = _scaled(planes.colour, low, high)
    notices += reduction
    if planes.colour.shape[2] == 1:
        notices += [] if planes.bands.dtype == np.bool_ or planes.bands.shape[2] > 1 else [Notice("grey")]
        pixels = np.repeat(pixels, 3, axis=2)
    alpha = _translucent(planes)
    if alpha is not None:
        pixels = over_white(pixels, alpha)
        notices.append(Notice("alpha_over_white"))
    if finite is not None:
        pixels[~finite] = 255
    pixels = np.ascontiguousarray(pixels)
    return Reduced(pixels=pixels, data=_data(planes.bands, alpha, pixels, high), valid=valid, notices=notices)


def _data(
    bands: NDArray[np.generic], alpha: NDArray[np.uint8] | None, pixels: NDArray[np.uint8], white: float
) -> NDArray[np.generic]:
    """What is fitted: of 8 bits what is shown, in as many bands as there are; else the bands, over what is shown as white."""
    if bands.dtype in (np.uint8, np.bool_) and bands.shape[2] in {1, 3}:
        return pixels if bands.shape[2] == 3 else np.ascontiguousarray(pixels[:, :, :1])
    if bands.dtype.kind in "iu" and bands.dtype.itemsize == 8:
        bands = bands.astype(np.float64)  # exact up to 2^53
    if alpha is None:
        return np.ascontiguousarray(bands)
    blended = np.empty(bands.shape, bands.dtype)
    for rows in stretches(bands):
        weight = alpha[rows, :, None] / 255.0
        mixed = bands[rows].astype(np.float64) * weight + white * (1 - weight)
        blended[rows] = mixed if bands.dtype.kind == "f" else np.rint(mixed)
    return blended


def over_white(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """8-bit pixels (H, W, 3) laid over white by their alpha (H, W), rounded."""
    result = np.empty_like(pixels)
    for rows in stretches(pixels):
        weight = alpha[rows, :, None].astype(np.uint16)
        # A sum of at most 255 x 255, so that 16 bits hold it; then divided by 255 and rounded, without a division.
        blend = pixels[rows] * weight + 255 * (255 - weight) + np.uint16(128)
        result[rows] = (blend + (blend >> 8)) >> 8
    return result


def inverted(bands: NDArray[np.generic]) -> NDArray[np.generic]:
    """Values of which the smallest is white, so that the largest is; of whole numbers within their type."""
    turn: np.ufunc = np.negative if bands.dtype.kind == "f" else np.invert
    turned: NDArray[np.generic] = turn(bands)
    return turned


def largest(dtype: np.dtype[Any]) -> float:
    """The largest value of a type of whole numbers; 1 for the others."""
    return float(np.iinfo(dtype).max) if dtype.kind in "ui" else 1.0


def _finite(bands: NDArray[np.generic]) -> NDArray[np.bool_] | None:
    """Where all bands hold numbers; None when they do everywhere."""
    if bands.dtype.kind != "f":
        return None
    finite = np.empty(bands.shape[:2], np.bool_)
    for rows in stretches(bands):
        np.isfinite(bands[rows]).all(axis=2, out=finite[rows])
    return None if finite.all() else finite


def _visible(planes: Planes) -> NDArray[np.bool_] | None:
    """Where a pixel is not fully transparent; None when that is everywhere."""
    visible = None if planes.alpha is None else planes.alpha != 0
    return None if visible is None or visible.all() else visible


def _both(one: NDArray[np.bool_] | None, other: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _translucent(planes: Planes) -> NDArray[np.uint8] | None:
    """Alpha in 8 bits; None when all is opaque."""
    alpha = None if planes.alpha is None else _alpha(planes.alpha)
    return None if alpha is None or (alpha == 255).all() else alpha


def _alpha(alpha: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Alpha in 8 bits: of whole numbers the largest is opaque, of real ones 1. What is not 0 stays visible."""
    if alpha.dtype == np.uint8:
        return alpha.astype(np.uint8, copy=False)
    opaque = largest(alpha.dtype)
    result = np.empty(alpha.shape, np.uint8)
    for rows in stretches(alpha):
        scaled = np.nan_to_num(alpha[rows].astype(np.float64)).clip(0, opaque) * (255 / opaque)
        result[rows] = np.where(scaled > 0, np.rint(scaled).clip(1, 255), 0)
    return result


def _shown_range(colour: NDArray[np.generic], valid: NDArray[np.bool_] | None) -> tuple[float, float]:
    """What is shown as black and as white."""
    if colour.dtype in (np.uint8, np.bool_):
        return 0.0, largest(colour.dtype)
    low, high = _range(colour, valid)
    if high == low:  # a single value has no range of its own; take one that holds it
        low, high = min(low, 0.0), max(high, largest(colour.dtype))
    return low, high


def _scaled(colour: NDArray[np.generic], low: float, high: float) -> tuple[NDArray[np.uint8], list[Notice]]:
    if colour.dtype == np.uint8:
        return colour.astype(np.uint8, copy=False), []
    if colour.dtype == np.bool_:
        return colour.astype(np.uint8) * np.uint8(255), [Notice("one_bit")]
    result = np.zeros(colour.shape, np.uint8)
    table = _table(colour.dtype, low, high)
    for rows in stretches(colour):
        result[rows] = _spread(colour[rows], low, high) if table is None else table[colour[rows].view(np.uint16)]
    return result, [Notice("depth_reduced", {"dtype": colour.dtype.name, "low": _short(low), "high": _short(high)})]


def _table(dtype: np.dtype[Any], low: float, high: float) -> NDArray[np.uint8] | None:
    """What becomes of each value of a type of 16 bits, by its bits; looking it up is quicker than computing it."""
    if dtype.itemsize != 2:
        return None
    return _spread(np.arange(2**16, dtype=np.uint16).view(dtype), low, high)


def _spread(values: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    """Values as 0 to 255, in a straight line from `low` to `high`; beyond them, and no numbers, as the ends."""
    known = np.nan_to_num(values.astype(np.float64), nan=low, posinf=high, neginf=low)
    # Divided before the difference is taken: the ends of double precision would overflow.
    share = (known / 2 - low / 2) / (high / 2 - low / 2)
    spread: NDArray[np.uint8] = np.rint(share.clip(0, 1) * 255).astype(np.uint8)
    return spread


def _range(colour: NDArray[np.generic], valid: NDArray[np.bool_] | None) -> tuple[float, float]:
    """Smallest and largest value of the pixels that count; 0 and 1 when none does."""
    low, high = np.inf, -np.inf
    for rows in stretches(colour):
        values = colour[rows] if valid is None else colour[rows][valid[rows]]
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    return (low, high) if low <= high else (0.0, 1.0)


def stretches(pixels: NDArray[np.generic]) -> Iterator[slice]:
    """The rows of an array (H, W, ...) in slices of about a megapixel, to bound what is computed in wider types."""
    height, width = pixels.shape[:2]
    rows = max(1, _ROWS_AT_A_TIME // width)
    return (slice(first, min(first + rows, height)) for first in range(0, height, rows))


def _short(value: float) -> str | float:
    """A number as people read it."""
    return int(value) if value == int(value) and abs(value) < 1e15 else float(f"{value:.6g}")
