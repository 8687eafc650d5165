"""Convert pixel values of any type linearly to the units of a fit, in which most of the picture lies between 0 and 255.

Values of 8 bits are used as they are. For other types the quantiles 0.1 % and 99.9 % of the valid values become 0 and 255, so
that 12-bit values in a 16-bit file use the full range, and a few outliers do not compress the others into one level. Values
beyond are kept as far as half a range to either side, and set to -128 or 383 further out. Integers have a common range for all
bands, which keeps their ratios; floats have a range for each band, because bands may hold different quantities. Colour spaces
other than RGB depend on black and white: there the range is common to all bands, and that of 16 bits is 0 to 65535. Nothing
is rounded.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.recipe import Features

Mask = NDArray[np.bool_]

TOP = 255.0
LOWEST, HIGHEST = -128.0, 383.0  # units; half a range beyond 0 and 255
QUANTILES = 0.001, 0.999  # of the values, that become 0 and 255
_MAX_SAMPLES = 2**22  # from which the quantiles of types other than 16-bit integers are taken
_LEVELS = 2**16  # the most levels that are distinguished between the smallest and the largest value
_MIN_RELATIVE_RANGE = 1e-12  # relative to the largest magnitude; a smaller range is a rounding error
_MIN_LEVELS, _MAX_LEVELS = 8, 256  # of a picture that may be quantised
_RARE, _REGULAR = 1e-4, 0.8  # share of pixels of a level that is ignored, and of gaps that must be equal
_BLOCK_PIXELS = 2**18  # pixels that are processed together


@dataclass(frozen=True, slots=True)
class Units:
    """A linear conversion between values and units, band by band: value = offset + scale * unit.

    Apply the units of a fit to another picture to compare that picture with the fitted mixture.
    """

    offset: tuple[float, ...]  # (B,)
    scale: tuple[float, ...]  # (B,), above 0
    step: tuple[float, ...]  # (B,) the smallest difference between two values, in units
    dtype: str | None = field(default=None, compare=False)  # type of the values; None when it is not known

    @classmethod
    def identity(cls, n_bands: int) -> Self:
        """Return the units of 8 bits, in which values stay as they are."""
        return cls((0.0,) * n_bands, (1.0,) * n_bands, (1.0,) * n_bands, "uint8")

    @classmethod
    def of(cls, bands: NDArray[np.generic], valid: Mask | None, features: Features = Features.RGB) -> Self:
        """Return the units of a picture.

        Parameters
        ----------
        bands : ndarray, shape (H, W, B), integer or float
            Finite where valid.
        valid : ndarray, shape (H, W), bool, or None
            Which pixels are valid; None means all.
        features : Features
        """
        n_bands = bands.shape[2]
        if bands.dtype == np.uint8:
            return cls.identity(n_bands)
        if bands.dtype == np.uint16 and features is not Features.RGB:
            return cls((0.0,) * n_bands, (257.0,) * n_bands, (1 / 257,) * n_bands, bands.dtype.name)
        joint = bands.dtype.kind != "f" or features is not Features.RGB
        return cls.from_range(bands, valid, joint=joint)

    @classmethod
    def from_range(cls, bands: NDArray[np.generic], valid: Mask | None, *, joint: bool) -> Self:
        """Return the units that convert the range between two quantiles to 0 to 255; `joint` takes one range for all bands."""
        groups = bands[:, :, None] if joint else bands[..., None]
        found = [_range(groups[:, :, number], valid) for number in range(groups.shape[2])]
        lows, highs = (list(ends) * (bands.shape[2] // groups.shape[2]) for ends in zip(*found, strict=True))
        pairs = list(zip(lows, highs, strict=True))
        scales = [_scale(low, high) for low, high in pairs]
        steps = [_step(scale, low < high, bands.dtype) for scale, (low, high) in zip(scales, pairs, strict=True)]
        return cls(tuple(lows), tuple(scales), tuple(steps), bands.dtype.name)

    def values(self, bands: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return bands (..., B) in these units, at least -128 and at most 383.

        The result is float32 if that type can represent the values, and float64 otherwise. Values of 8 bits whose units are
        `identity` are returned unchanged. NaN stays NaN.
        """
        if bands.dtype == np.uint8 and self == self.identity(len(self.offset)):
            return bands
        offset, gain = np.array(self.offset), 1 / np.array(self.scale)
        precision = np.result_type(bands.dtype, np.float32)
        if bands.dtype.kind != "f":
            shifted: NDArray[np.floating] = bands.astype(precision)  # exact: values and offsets are integers
            shifted -= offset.astype(precision)
            shifted *= gain.astype(precision)
            return shifted.clip(LOWEST, HIGHEST, out=shifted)
        with np.errstate(over="ignore", invalid="ignore"):  # for infinity, and values far outside the range
            # Two products, because value - offset can overflow.
            units = bands.astype(np.float64) * gain - offset * gain
        return units.clip(LOWEST, HIGHEST, out=units).astype(precision, copy=False)

    def conversion_to(self, other: "Units") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return gain and shift (B,) that convert these units to those of another picture: other = shift + gain * unit."""
        scale = np.array(other.scale)
        return np.array(self.scale) / scale, (np.array(self.offset) - np.array(other.offset)) / scale

    def require_same_depth(self, dtype: np.dtype[Any]) -> None:
        """Require that values of a type can be converted to these units: 8 bits, deeper integers and floats each by themselves.

        Raises
        ------
        SegmentationError
            With `invalid_request`. Units of a type that is not known take all values.
        """
        if self.dtype is not None and _depth(np.dtype(self.dtype)) != _depth(dtype):
            raise SegmentationError(
                "invalid_request",
                gettext_noop(
                    "The model is of values of the type %(wanted)s, but this picture has %(given)s: choose a picture of the same depth."
                ),
                wanted=self.dtype,
                given=dtype.name,
            )

    def to_mapping(self) -> dict[str, Any]:
        """Return a JSON object; `from_mapping` is its inverse."""
        units = {"offset": list(self.offset), "scale": list(self.scale), "step": list(self.step)}
        return units if self.dtype is None else {**units, "dtype": self.dtype}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Parse what `to_mapping` has written; results of earlier releases have no type of values.

        Raises
        ------
        KeyError, TypeError, ValueError
            For anything else.
        """
        offset, scale, step = (tuple(map(float, mapping[name])) for name in ("offset", "scale", "step"))
        if not offset or not len(offset) == len(scale) == len(step) or min(*scale, *step) <= 0:
            raise ValueError("offset, scale and step must have a number for each band, the last two above 0")
        if not all(map(math.isfinite, (*offset, *scale, *step))):
            raise ValueError("offset, scale and step must be finite")
        return cls(offset, scale, step, _parsed_dtype(mapping.get("dtype")))


def as_bands(pixels: NDArray[np.generic], valid: Mask | None) -> tuple[NDArray[np.generic], Mask | None]:
    """Return a picture (H, W) or (H, W, B) as bands (H, W, B), and its valid pixels (H, W) or None when all are valid.

    Pixels with NaN or infinity are not valid.

    Raises
    ------
    SegmentationError
        ``empty``, when no pixel is valid.
    TypeError
        For values that are neither integers nor floats.
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
    """Return a picture (H, W) or (H, W, B) of any type as displayed, shape (H, W, 3), uint8.

    The first three bands are taken as red, green and blue; with fewer bands, the first as grey. Types other than uint8 are
    scaled from the common range of these bands; pixels without data are 0.
    """
    bands, valid = as_bands(pixels, valid)
    colour = bands[:, :, : 3 if bands.shape[2] >= 3 else 1]
    if colour.dtype == np.uint8:
        return np.ascontiguousarray(np.broadcast_to(colour, (*colour.shape[:2], 3)).astype(np.uint8, copy=False))
    units = Units.from_range(colour, valid, joint=True)
    displayed = np.zeros((*colour.shape[:2], 3), np.uint8)
    for rows in row_blocks(colour):
        displayed[rows] = np.rint(np.nan_to_num(units.values(colour[rows])).clip(0, TOP))
    return displayed


def row_blocks(bands: NDArray[np.generic]) -> Iterator[slice]:
    """Yield the rows of an array (H, W, ...) in slices, to bound the memory of conversions to wider types."""
    height, width = bands.shape[:2]
    rows = max(1, _BLOCK_PIXELS // width)
    return (slice(first, min(first + rows, height)) for first in range(0, height, rows))


def _range(values: NDArray[np.generic], valid: Mask | None) -> tuple[float, float]:
    """Return the two quantiles of values (H, W, ...), over the valid pixels; their ends when the quantiles are equal.

    Of 16-bit integers the quantiles are exact, of other types those of pixels that are evenly spaced.
    """
    quantiles = _of_16_bits if values.dtype.itemsize == 2 and values.dtype.kind in "iu" else _of_a_sample
    low, high = quantiles(values, valid)
    return (low, high) if low < high else _ends(values, valid)


def _of_16_bits(values: NDArray[np.generic], valid: Mask | None) -> tuple[float, float]:
    counts = np.zeros(2**16, np.int64)
    for rows in row_blocks(values):
        counted = values[rows] if valid is None else values[rows][valid[rows]]
        counts += np.bincount(counted.view(np.uint16).ravel(), minlength=2**16)
    levels = np.arange(2**16, dtype=np.uint16).view(values.dtype)
    if values.dtype.kind == "i":
        levels, counts = np.roll(levels, 2**15), np.roll(counts, 2**15)  # in ascending order
    below = np.cumsum(counts)
    low, high = (np.searchsorted(below, round(share * (below[-1] - 1)), side="right") for share in QUANTILES)
    return float(levels[low]), float(levels[high])


def _of_a_sample(values: NDArray[np.generic], valid: Mask | None) -> tuple[float, float]:
    by_pixel = values.reshape(values.shape[0] * values.shape[1], -1)
    step = -(-by_pixel.size // _MAX_SAMPLES)
    step += step > 1 and step % 2 == 0  # odd, so that not every second column is left out
    drawn = by_pixel[::step] if valid is None else by_pixel[::step][valid.reshape(-1)[::step]]
    if not drawn.size:
        return 0.0, 0.0
    low, high = np.quantile(drawn.astype(np.float64), QUANTILES, method="nearest")
    return float(low), float(high)


def _ends(values: NDArray[np.generic], valid: Mask | None) -> tuple[float, float]:
    """Return the smallest and the largest value (H, W, ...) of the valid pixels."""
    low, high = np.inf, -np.inf
    for rows in row_blocks(values):
        counted = values[rows] if valid is None else values[rows][valid[rows]]
        if counted.size:
            low, high = min(low, float(counted.min())), max(high, float(counted.max()))
    return low, high


def _parsed_dtype(name: object) -> str | None:
    if name is None:
        return None
    dtype = np.dtype(str(name))
    if dtype.kind not in "iuf":
        raise ValueError("values must be integers or floats")
    return dtype.name


def _depth(dtype: np.dtype[Any]) -> str:
    return "real" if dtype.kind == "f" else "8 bits" if dtype == np.uint8 else "deep"


def quantisation_step(values: NDArray[np.generic], counts: NDArray[np.number]) -> float:
    """Return the distance between neighbouring levels of a picture, in units; 1 or less where it uses all levels.

    Some pictures of 8 bits use few levels at equal distances, because they were made from fewer bits or stretched. The noise
    in them is not smaller than that distance.

    Parameters
    ----------
    values : ndarray, shape (n, B)
        Bands of pixels, in units.
    counts : ndarray, shape (n,)
        How often each value occurs.

    Returns
    -------
    float
        The smallest step of all bands; 0 for a picture of few colours, or of more levels than 8 bits have.
    """
    steps = []
    for band in values.T:
        if band.dtype == np.uint8:
            levels, pixels = np.arange(256), np.bincount(band, counts, 256)
        else:
            levels, inverse = np.unique(band, return_inverse=True)
            pixels = np.bincount(inverse, counts)
        frequent = levels[pixels > _RARE * counts.sum()].astype(np.float64)
        if not _MIN_LEVELS <= len(frequent) <= _MAX_LEVELS:
            return 0.0
        gaps = np.diff(frequent)
        step = float(np.median(gaps))
        # Rounding to whole numbers makes gaps of 8 and 9 of 8.2.
        if np.mean(np.abs(gaps - step) <= 1) < _REGULAR:
            return 0.0
        steps.append(step)
    return min(steps)


def _scale(low: float, high: float) -> float:
    """Return the size of a unit for the range from `low` to `high`; 1 when the range is empty or a rounding error."""
    half = high / 2 - low / 2
    return (
        half / (TOP / 2)
        if half > max(abs(low), abs(high)) * _MIN_RELATIVE_RANGE and half > np.finfo(float).tiny / _MIN_RELATIVE_RANGE
        else 1.0
    )


def _step(scale: float, has_range: bool, dtype: np.dtype[Any]) -> float:  # noqa: FBT001 - reads as "has a range"
    """Return the smallest difference between two values, in units.

    It is a 2^16th of the range for floats, and the size of 1, but no less than a 2^16th of the range, for integers.
    """
    if dtype.kind == "f":
        return TOP / _LEVELS if has_range and scale != 1.0 else 1.0
    return max(1 / scale, TOP / _LEVELS)
