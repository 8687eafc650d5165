"""Arrays of any depth and number of bands, reduced to 8-bit red, green and blue.

Whole and real numbers are reduced linearly from the range that the data really have, over all colour bands together, so that
nothing is clipped and the balance of the bands stays.
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

    colour: NDArray[np.generic]  # (H, W, 1) grey or (H, W, 3)
    alpha: NDArray[np.generic] | None  # (H, W), of the same type
    inverted: bool = False  # whether the smallest value is white


def reduced(planes: Planes) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None, list[Notice]]:
    """Reduce to 8 bits.

    Returns
    -------
    pixels : ndarray, shape (H, W, 3), uint8
    valid : ndarray, shape (H, W), bool, or None
        False where a pixel is fully transparent or no number; None when all count.
    notices : list of Notice
    """
    notices: list[Notice] = []
    finite = _finite(planes.colour)
    if finite is not None:
        notices.append(Notice("no_data", {"pixels": int((~finite).sum())}))
    valid = _both(finite, _visible(planes))
    grey_or_colour, reduction = _scaled(planes.colour, valid)
    notices += reduction
    if planes.inverted:
        grey_or_colour = 255 - grey_or_colour
    if planes.colour.shape[2] == 1:
        notices += [] if planes.colour.dtype == np.bool_ else [Notice("grey")]
        grey_or_colour = np.repeat(grey_or_colour, 3, axis=2)
    pixels, transparency = _over_white(grey_or_colour, planes)
    if finite is not None:
        pixels[~finite] = 255
    return pixels, valid, notices + transparency


def over_white(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """8-bit pixels (H, W, 3) laid over white by their alpha (H, W), rounded."""
    result = np.empty_like(pixels)
    for rows in stretches(pixels):
        weight = alpha[rows, :, None].astype(np.uint16)
        # A sum of at most 255 x 255, so that 16 bits hold it; then divided by 255 and rounded, without a division.
        blend = pixels[rows] * weight + 255 * (255 - weight) + np.uint16(128)
        result[rows] = (blend + (blend >> 8)) >> 8
    return result


def largest(dtype: np.dtype[Any]) -> float:
    """The largest value of a type of whole numbers; 1 for the others."""
    return float(np.iinfo(dtype).max) if dtype.kind in "ui" else 1.0


def _finite(colour: NDArray[np.generic]) -> NDArray[np.bool_] | None:
    """Where all bands hold numbers; None when they do everywhere."""
    if colour.dtype.kind != "f":
        return None
    finite: NDArray[np.bool_] = np.isfinite(colour).all(axis=2)
    return None if finite.all() else finite


def _visible(planes: Planes) -> NDArray[np.bool_] | None:
    """Where a pixel is not fully transparent; None when that is everywhere."""
    visible = None if planes.alpha is None else planes.alpha != 0
    return None if visible is None or visible.all() else visible


def _both(one: NDArray[np.bool_] | None, other: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _over_white(pixels: NDArray[np.uint8], planes: Planes) -> tuple[NDArray[np.uint8], list[Notice]]:
    alpha = None if planes.alpha is None else _alpha(planes.alpha)
    if alpha is None or (alpha == 255).all():
        return pixels, []
    return over_white(pixels, alpha), [Notice("alpha_over_white")]


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


def _scaled(colour: NDArray[np.generic], valid: NDArray[np.bool_] | None) -> tuple[NDArray[np.uint8], list[Notice]]:
    if colour.dtype == np.uint8:
        return colour.astype(np.uint8, copy=False), []
    if colour.dtype == np.bool_:
        return colour.astype(np.uint8) * np.uint8(255), [Notice("one_bit")]
    low, high = _range(colour, valid)
    result = np.zeros(colour.shape, np.uint8)
    if high == low:  # a single value has no range of its own; take one that holds it
        low, high = min(low, 0.0), max(high, largest(colour.dtype))
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
