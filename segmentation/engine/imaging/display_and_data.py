"""Conversion of decoded bands into two arrays: 8-bit RGB for display, and the values that the mixture is fitted to.

For display, measurements are scaled linearly between two quantiles of the valid pixels, with one range for all displayed
bands, and colour photographs of 16 bits from their full range, so that they look like their copies of 8 bits. The fitted
values keep their dtype and all bands, and never depend on the display. A picture of three 8-bit bands is not scaled, so that
both arrays are the same object.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.imaging.decoded_bands import DecodedBands, largest_value, row_blocks
from segmentation.engine.imaging.layout import NoData
from segmentation.engine.imaging.no_data import find_valid_pixels
from segmentation.engine.imaging.notices import Notice

DISPLAY_QUANTILES = 0.001, 0.999  # displayed as black and as white; numbers never depend on them
_MAX_SAMPLES = 2**22  # of which the quantiles of types other than 16-bit integers are taken
_WHITE = 255  # displayed where there are no data


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DisplayAndData:
    """The pixels of a picture for display, and the values that are fitted."""

    pixels: NDArray[np.uint8]  # (H, W, 3), blended with white by alpha
    data: NDArray[np.generic]  # (H, W, B), blended with white by alpha; `pixels` itself for three bands of 8 bits
    valid: NDArray[np.bool_] | None  # (H, W), False where there are no data; None: all valid
    no_data: NoData | None  # None: all valid
    notices: list[Notice]


def display_and_data(bands: DecodedBands, no_data_value: float | None = None) -> DisplayAndData:
    """Scale the displayed bands to 8 bits, and keep the values that are fitted; pixels without data are displayed white.

    Parameters
    ----------
    bands : DecodedBands
    no_data_value : float or None
        As for `find_valid_pixels`.
    """
    valid, no_data, notices = find_valid_pixels(bands, no_data_value)
    if bands.display_table is not None:
        pixels = bands.display_table[bands.values[:, :, 0]]
    else:
        low, high = _display_range(bands, valid)
        pixels, scaling = _to_eight_bits(bands.displayed, low, high)
        notices += scaling
        if bands.displayed.shape[2] == 1:
            notices += [] if bands.values.dtype == np.bool_ or bands.values.shape[2] > 1 else [Notice("grey")]
            pixels = np.repeat(pixels, 3, axis=2)
    alpha = _translucency(bands.alpha)
    if alpha is not None:
        pixels = blend_with_white(pixels, alpha)
        notices.append(Notice("alpha_over_white"))
    pixels = np.ascontiguousarray(pixels)
    if valid is not None:
        pixels = pixels if pixels.flags.writeable else pixels.copy()
        pixels[~valid] = _WHITE
    data = _fitted_values(bands, alpha, pixels, valid)
    return DisplayAndData(pixels=pixels, data=data, valid=valid, no_data=no_data, notices=notices)


def blend_with_white(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return 8-bit pixels (H, W, 3) blended with white by their alpha (H, W), rounded to the nearest integer."""
    result = np.empty_like(pixels)
    for rows in row_blocks(pixels):
        weight = alpha[rows, :, None].astype(np.uint16)
        # A sum of at most 255 x 255 fits 16 bits; then divided by 255 and rounded, without a division.
        blend = pixels[rows] * weight + 255 * (255 - weight) + np.uint16(128)
        result[rows] = (blend + (blend >> 8)) >> 8
    return result


def _fitted_values(
    bands: DecodedBands,
    alpha: NDArray[np.uint8] | None,
    pixels: NDArray[np.uint8],
    valid: NDArray[np.bool_] | None,
) -> NDArray[np.generic]:
    """Return the values (H, W, B) that are fitted.

    For one or three bands of 8 bits or 1 bit these are the displayed pixels. Other values keep their dtype and are blended by
    alpha with white: the largest value of a photograph, or of the valid pixels. 64-bit integers become float64, which is
    exact up to 2**53.
    """
    values = bands.values
    if bands.display_table is not None:
        return np.ascontiguousarray(values)
    if values.dtype in (np.uint8, np.bool_) and values.shape[2] in {1, 3}:
        return pixels if values.shape[2] == 3 else np.ascontiguousarray(pixels[:, :, :1])
    if values.dtype.kind in "iu" and values.dtype.itemsize == 8:
        values = values.astype(np.float64)
    if alpha is None:
        return np.ascontiguousarray(values)
    white = _value_range(bands.displayed, valid)[1] if bands.white is None else bands.white
    blended = np.empty(values.shape, values.dtype)
    for rows in row_blocks(values):
        weight = alpha[rows, :, None] / 255.0
        mixed = values[rows].astype(np.float64) * weight + white * (1 - weight)
        blended[rows] = mixed if values.dtype.kind == "f" else np.rint(mixed)
    return blended


def _translucency(alpha: NDArray[np.generic] | None) -> NDArray[np.uint8] | None:
    """Return alpha in 8 bits, or None when all pixels are opaque."""
    eight_bits = None if alpha is None else _alpha_in_eight_bits(alpha)
    return None if eight_bits is None or (eight_bits == 255).all() else eight_bits


def _alpha_in_eight_bits(alpha: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Return alpha scaled to 0 to 255: the largest integer of the dtype, or 1.0, is opaque. A value above 0 becomes at least 1."""
    if alpha.dtype == np.uint8:
        return alpha.astype(np.uint8, copy=False)
    opaque = largest_value(alpha.dtype)
    result = np.empty(alpha.shape, np.uint8)
    for rows in row_blocks(alpha):
        scaled = np.nan_to_num(alpha[rows].astype(np.float64)).clip(0, opaque) * (255 / opaque)
        result[rows] = np.where(scaled > 0, np.rint(scaled).clip(1, 255), 0)
    return result


def _display_range(bands: DecodedBands, valid: NDArray[np.bool_] | None) -> tuple[float, float]:
    """Return the values that are displayed as black and as white."""
    values = bands.displayed
    if values.dtype in (np.uint8, np.bool_):
        return 0.0, largest_value(values.dtype)
    if bands.white is not None:
        return 0.0, bands.white
    low, high = _quantiles(values, valid)
    if low == high:
        low, high = _value_range(values, valid)
    if low == high:  # one value has no range: use the one of its dtype, extended to include the value
        low, high = min(low, 0.0), max(high, largest_value(values.dtype))
    return low, high


def _quantiles(values: NDArray[np.generic], valid: NDArray[np.bool_] | None) -> tuple[float, float]:
    """Return the quantiles that are displayed as black and as white: exact for 16-bit integers, else of evenly spaced rows."""
    if values.dtype in (np.uint16, np.int16):
        counts = np.zeros(2**16, np.int64)
        for rows in row_blocks(values):
            counted = values[rows] if valid is None else values[rows][valid[rows]]
            counts += np.bincount(counted.view(np.uint16).ravel(), minlength=2**16)
        levels = np.arange(2**16, dtype=np.uint16).view(values.dtype)
        order = np.argsort(levels, kind="stable")
        cumulative = np.cumsum(counts[order])
        if cumulative[-1] == 0:
            return 0.0, 1.0
        low, high = (
            int(np.searchsorted(cumulative, round(quantile * (cumulative[-1] - 1)), side="right"))
            for quantile in DISPLAY_QUANTILES
        )
        return float(levels[order[low]]), float(levels[order[high]])
    step = -(-values.size // _MAX_SAMPLES)
    sample = values[::step] if valid is None else values[::step][valid[::step]]
    if sample.size == 0:
        return _value_range(values, valid)
    ends = np.quantile(sample.astype(np.float64), DISPLAY_QUANTILES, method="nearest")
    return float(ends[0]), float(ends[1])


def _to_eight_bits(values: NDArray[np.generic], low: float, high: float) -> tuple[NDArray[np.uint8], list[Notice]]:
    """Return values scaled to 0 to 255, and a notice when that changed them."""
    if values.dtype == np.uint8:
        return values.astype(np.uint8, copy=False), []
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * np.uint8(255), [Notice("one_bit")]
    result = np.zeros(values.shape, np.uint8)
    table = _lookup_table(values.dtype, low, high)
    for rows in row_blocks(values):
        result[rows] = _scale(values[rows], low, high) if table is None else table[values[rows].view(np.uint16)]
    shown_range = {"low": _short_number(low), "high": _short_number(high)}
    return result, [Notice("depth_reduced", {"dtype": values.dtype.name, **shown_range})]


def _lookup_table(dtype: np.dtype[Any], low: float, high: float) -> NDArray[np.uint8] | None:
    """Return the scaled value of every bit pattern of a 16-bit dtype, which is faster than scaling each pixel; else None."""
    if dtype.itemsize != 2:
        return None
    return _scale(np.arange(2**16, dtype=np.uint16).view(dtype), low, high)


def _scale(values: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    """Return values scaled linearly from `low`..`high` to 0..255; smaller values and NaN become 0, larger ones 255."""
    known = np.nan_to_num(values.astype(np.float64), nan=low, posinf=high, neginf=low)
    # Halved before the difference is taken, which would overflow at the ends of double precision.
    fraction = (known / 2 - low / 2) / (high / 2 - low / 2)
    scaled: NDArray[np.uint8] = np.rint(fraction.clip(0, 1) * 255).astype(np.uint8)
    return scaled


def _value_range(values: NDArray[np.generic], valid: NDArray[np.bool_] | None) -> tuple[float, float]:
    """Return the smallest and the largest value of the valid pixels; 0 and 1 when no pixel is valid."""
    low, high = np.inf, -np.inf
    for rows in row_blocks(values):
        counted = values[rows] if valid is None else values[rows][valid[rows]]
        if counted.size:
            low, high = min(low, float(counted.min())), max(high, float(counted.max()))
    return (low, high) if low <= high else (0.0, 1.0)


def _short_number(value: float) -> float:
    """Return an integer where the value is one, else the value rounded to six significant digits."""
    return int(value) if value == int(value) and abs(value) < 1e15 else float(f"{value:.6g}")
