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
    missing: NDArray[np.bool_] | None = None  # (H, W), pixels that the file declares to be transparent


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
    weight = alpha[:, :, None].astype(np.uint32)
    result: NDArray[np.uint8] = ((pixels * weight + 255 * (255 - weight) + 127) // 255).astype(np.uint8)
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
    """Where a pixel is not fully transparent; None when none is."""
    visible = None if planes.missing is None else ~planes.missing
    if planes.alpha is not None:
        visible = _both(visible, planes.alpha != 0)
    return None if visible is None or visible.all() else visible


def _both(one: NDArray[np.bool_] | None, other: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _over_white(pixels: NDArray[np.uint8], planes: Planes) -> tuple[NDArray[np.uint8], list[Notice]]:
    alpha = np.full(pixels.shape[:2], 255, np.uint8) if planes.alpha is None else _alpha(planes.alpha)
    if planes.missing is not None:
        alpha = np.where(planes.missing, np.uint8(0), alpha)
    if (alpha == 255).all():
        return pixels, []
    return over_white(pixels, alpha), [Notice("alpha_over_white")]


def _alpha(alpha: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Alpha in 8 bits: of whole numbers the largest is opaque, of real ones 1. What is not 0 stays visible."""
    opaque = largest(alpha.dtype)
    scaled = np.nan_to_num(alpha.astype(np.float64)).clip(0, opaque) * (255 / opaque)
    return np.where(scaled > 0, np.rint(scaled).clip(1, 255), 0).astype(np.uint8)


def _scaled(colour: NDArray[np.generic], valid: NDArray[np.bool_] | None) -> tuple[NDArray[np.uint8], list[Notice]]:
    if colour.dtype == np.uint8:
        return colour.astype(np.uint8, copy=False), []
    if colour.dtype == np.bool_:
        return colour.astype(np.uint8) * np.uint8(255), [Notice("one_bit")]
    low, high = _range(colour, valid)
    result = np.zeros(colour.shape, np.uint8)
    if high == low:  # a single value has no range of its own; take one that holds it
        low, high = min(low, 0.0), max(high, largest(colour.dtype))
    for rows in _stretches(colour):
        values = np.nan_to_num(colour[rows].astype(np.float64), nan=low, posinf=high, neginf=low)
        # Divided before the difference is taken: the ends of double precision would overflow.
        share = (values / 2 - low / 2) / (high / 2 - low / 2)
        result[rows] = np.rint(share.clip(0, 1) * 255)
    return result, [Notice("depth_reduced", {"dtype": colour.dtype.name, "low": _short(low), "high": _short(high)})]


def _range(colour: NDArray[np.generic], valid: NDArray[np.bool_] | None) -> tuple[float, float]:
    """Smallest and largest value of the pixels that count; 0 and 1 when none does."""
    low, high = np.inf, -np.inf
    for rows in _stretches(colour):
        values = colour[rows] if valid is None else colour[rows][valid[rows]]
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    return (low, high) if low <= high else (0.0, 1.0)


def _stretches(colour: NDArray[np.generic]) -> Iterator[slice]:
    height, width = colour.shape[:2]
    rows = max(1, _ROWS_AT_A_TIME // width)
    return (slice(first, min(first + rows, height)) for first in range(0, height, rows))


def _short(value: float) -> str | float:
    """A number as people read it."""
    return int(value) if value == int(value) and abs(value) < 1e15 else float(f"{value:.6g}")
