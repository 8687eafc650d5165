"""Values of any type in the units that mixtures are fitted in: the range of a picture's values as 0 to 255.

Values of 8 bits are their own units. Of other types the smallest value of the picture becomes 0 and the largest 255, so that
12 bits in a file of 16 are seen as well as 8: whole numbers of all bands together, which keeps their balance; real numbers
band by band, as they may measure different things. In colour spaces that depend on black and white, all bands go together,
and 16 bits have their whole range. Nothing is rounded.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.recipe import Features

Mask = NDArray[np.bool_]

TOP = 255.0
_LEVELS = 2**16  # that are told apart between the smallest and the largest value, at most
_MIN_RELATIVE_RANGE = 1e-12  # of the largest magnitude: a range below it is rounding
_BLOCK_PIXELS = 2**18  # pixels


@dataclass(frozen=True, slots=True)
class Units:
    """How values of a picture became units: value = offset + scale * unit, band by band.

    Apply it to another picture to compare that with a mixture of this one.
    """

    offset: tuple[float, ...]  # (B,)
    scale: tuple[float, ...]  # (B,), above 0
    step: tuple[float, ...]  # (B,) the smallest difference that is told apart, in units

    @classmethod
    def identity(cls, n_bands: int) -> Self:
        """Values that are units already."""
        return cls((0.0,) * n_bands, (1.0,) * n_bands, (1.0,) * n_bands)

    @classmethod
    def of(cls, bands: NDArray[np.generic], valid: Mask | None, features: Features = Features.RGB) -> Self:
        """The units of a picture.

        Parameters
        ----------
        bands : ndarray, shape (H, W, B)
            Whole or real numbers, finite where they are valid.
        valid : ndarray, shape (H, W), bool, or None
            Which pixels count; None means all.
        features : Features
        """
        n_bands = bands.shape[2]
        if bands.dtype == np.uint8:
            return cls.identity(n_bands)
        if bands.dtype == np.uint16 and features is not Features.RGB:
            return cls((0.0,) * n_bands, (257.0,) * n_bands, (1 / 257,) * n_bands)
        joint = bands.dtype.kind != "f" or features is not Features.RGB
        return cls.from_range(bands, valid, joint=joint)

    @classmethod
    def from_range(cls, bands: NDArray[np.generic], valid: Mask | None, *, joint: bool) -> Self:
        """Units from the smallest to the largest value, of all bands `joint` or of each by itself."""
        groups = bands[:, :, None] if joint else bands[..., None]
        lows, highs = (ends * (bands.shape[2] // groups.shape[2]) for ends in _ranges(groups, valid))
        pairs = list(zip(lows, highs, strict=True))
        scales = [_scale(low, high) for low, high in pairs]
        steps = [_step(scale, low < high, bands.dtype) for scale, (low, high) in zip(scales, pairs, strict=True)]
        return cls(tuple(lows), tuple(scales), tuple(steps))

    def values(self, bands: NDArray[np.generic]) -> NDArray[np.generic]:
        """Values (..., B) in units, in single precision where that holds their type, else in double.

        Values of 8 bits stay as they are. What is no number stays so.
        """
        if bands.dtype == np.uint8 and self == self.identity(len(self.offset)):
            return bands
        offset, gain = np.array(self.offset), 1 / np.array(self.scale)
        precision = np.result_type(bands.dtype, np.float32)
        if bands.dtype.kind != "f":
            shifted: NDArray[np.floating] = bands.astype(precision)  # whole numbers, as are the offsets
            shifted -= offset.astype(precision)
            shifted *= gain.astype(precision)
            return shifted
        with np.errstate(over="ignore", invalid="ignore"):  # infinity, and what is far beyond the range
            # Two products: the difference of the ends of double precision would overflow.
            return (bands.astype(np.float64) * gain - offset * gain).astype(precision, copy=False)

    def conversion_to(self, other: "Units") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Gain and shift (B,) that turn these units into those of another picture: other = shift + gain * unit."""
        scale = np.array(other.scale)
        return np.array(self.scale) / scale, (np.array(self.offset) - np.array(other.offset)) / scale

    def to_mapping(self) -> dict[str, Any]:
        """A JSON object; `from_mapping` is its inverse."""
        return {"offset": list(self.offset), "scale": list(self.scale), "step": list(self.step)}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Parse what `to_mapping` has written."""
        offset, scale, step = (tuple(map(float, mapping[name])) for name in ("offset", "scale", "step"))
        return cls(offset, scale, step)


def as_bands(pixels: NDArray[np.generic], valid: Mask | None) -> tuple[NDArray[np.generic], Mask | None]:
    """A picture (H, W) or (H, W, B) as bands (H, W, B) of a type that is taken, and which pixels have data.

    Raises
    ------
    SegmentationError
        ``empty``, when no pixel has.
    TypeError
        For anything but whole and real numbers.
    """
    if pixels.ndim not in {2, 3} or (valid is not None and valid.shape != pixels.shape[:2]):
        raise ValueError("pixels must have shape (H, W) or (H, W, B), and valid (H, W)")
    if pixels.dtype.kind not in "iuf":
        raise TypeError("pixels must be whole or real numbers")
    bands = pixels if pixels.ndim == 3 else pixels[..., None]
    if bands.dtype.kind == "f":
        finite = np.empty(bands.shape[:2], np.bool_)
        for rows in row_blocks(bands):
            np.isfinite(bands[rows]).all(axis=2, out=finite[rows])
        valid = finite if valid is None else valid & finite
    if valid is None or valid.all():
        return bands, None
    if not valid.any():
        raise SegmentationError(
            "empty", gettext_noop("The picture has no visible pixels: choose one that is not fully transparent.")
        )
    return bands, valid


def display_rgb(pixels: NDArray[np.generic], valid: Mask | None = None) -> NDArray[np.uint8]:
    """How people see a picture (H, W) or (H, W, B) of any type that comes from no file, shape (H, W, 3).

    Three bands or more: the first three as red, green and blue; else the first as grey. Other types than 8 bits in the
    range that these bands have together; 0 without data.
    """
    bands, valid = as_bands(pixels, valid)
    colour = bands[:, :, : 3 if bands.shape[2] >= 3 else 1]
    if colour.dtype == np.uint8:
        return np.ascontiguousarray(np.broadcast_to(colour, (*colour.shape[:2], 3)).astype(np.uint8, copy=False))
    units = Units.from_range(colour, valid, joint=True)
    seen = np.zeros((*colour.shape[:2], 3), np.uint8)
    for rows in row_blocks(colour):
        seen[rows] = np.rint(np.nan_to_num(units.values(colour[rows])).clip(0, TOP))
    return seen


def row_blocks(bands: NDArray[np.generic]) -> Iterator[slice]:
    """The rows of an array (H, W, ...) in slices, to bound what is computed in wider types."""
    height, width = bands.shape[:2]
    rows = max(1, _BLOCK_PIXELS // width)
    return (slice(first, min(first + rows, height)) for first in range(0, height, rows))


def _ranges(groups: NDArray[np.generic], valid: Mask | None) -> tuple[list[float], list[float]]:
    """Smallest and largest value of each group (H, W, G, B) of bands, of the pixels that count."""
    n_groups = groups.shape[2]
    lows, highs = [np.inf] * n_groups, [-np.inf] * n_groups
    for rows in row_blocks(groups):
        for number in range(n_groups):
            part = groups[rows, :, number]
            values = part if valid is None else part[valid[rows]]
            if values.size:
                lows[number] = min(lows[number], float(values.min()))
                highs[number] = max(highs[number], float(values.max()))
    return lows, highs


def _scale(low: float, high: float) -> float:
    """Of a range; 1 where there is none."""
    half = high / 2 - low / 2
    return (
        half / (TOP / 2)
        if half > max(abs(low), abs(high)) * _MIN_RELATIVE_RANGE and half > np.finfo(float).tiny / _MIN_RELATIVE_RANGE
        else 1.0
    )


def _step(scale: float, has_range: bool, dtype: np.dtype[Any]) -> float:  # noqa: FBT001 - reads as "has a range"
    """What is told apart, in units: of whole numbers 1, of others and very wide ranges a part of the range."""
    if dtype.kind == "f":
        return TOP / _LEVELS if has_range and scale != 1.0 else 1.0
    return max(1 / scale, TOP / _LEVELS)
