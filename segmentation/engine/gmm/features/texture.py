"""Texture: the local standard deviation of lightness around each pixel, computed tile by tile."""

from collections.abc import Callable
from math import prod

import numpy as np
from numpy.lib.stride_tricks import as_strided

from segmentation.engine.gmm.features.tiles import tiles
from segmentation.engine.gmm.mixture.monomials import Float32
from segmentation.engine.progress import OnFraction, ignore_progress

WINDOWS = {2.0: (5, 5), 5.0: (7, 9, 13)}
"""Sides of the box filters whose sequence approximates a Gaussian (Wells, 1986), by its standard deviation in pixels."""

SCALES = tuple(WINDOWS)

_PIXELS = 2**19  # of a tile
_MIN_DEVIATION = 2.0**-10  # units of lightness; smaller values are rounding errors of sums

LightnessOf = Callable[[slice, slice], Float32]
"""Returns the lightness (h, w) of the given rows and columns."""


def textures(
    shape: tuple[int, int],
    lightness_of: LightnessOf,
    scales: tuple[float, ...],
    on_fraction: OnFraction = ignore_progress,
) -> Float32:
    """Return the roughness of a picture at the given scales.

    Parameters
    ----------
    shape : tuple of int
        Height and width.
    lightness_of : callable
    scales : tuple of float
        In pixels.
    on_fraction : callable
        Called after every tile with the fraction of the work that is done, up to 1.

    Returns
    -------
    ndarray, shape (len(scales), H, W), float32
    """
    found = np.empty((len(scales), *shape), np.float32)
    done = 0
    for tile in tiles(*shape, pixels=_PIXELS, margin=margin(scales)) if scales else ():
        light = lightness_of(*tile.padded)
        for target, scale in zip(found, scales, strict=True):
            target[tile.core] = roughness(light, scale)[tile.core_in_padded]
            done += target[tile.core].size
            on_fraction(done / found.size)
    return found


def margin(scales: tuple[float, ...]) -> int:
    """Return the distance in pixels within which other pixels contribute to the roughness of a pixel at some scales."""
    return 2 * max((_window_radius(WINDOWS[scale]) for scale in scales), default=0)


def roughness(light: Float32, scale: float) -> Float32:
    """Return the local standard deviation of lightness L (H, W), sqrt(G * (L - G * L)^2), in units of lightness.

    G is approximately a Gaussian with a standard deviation of `scale` pixels, one of `SCALES`, mirrored at the borders.
    Slow changes of lightness do not count, because the local mean is subtracted.
    """
    detail = light - _moving_average(light, WINDOWS[scale])
    np.square(detail, out=detail)
    deviation: Float32 = np.sqrt(_moving_average(detail, WINDOWS[scale]))
    deviation[deviation < _MIN_DEVIATION] = 0
    return deviation


def _moving_average(plane: Float32, window: tuple[int, ...]) -> Float32:
    """Return the means (h, w) of a plane under a sequence of box filters, the same on every processor.

    The padded plane is treated as one long row, in which vertical neighbours are one line length apart. Sums that cross the
    end of a line end in the padding, which is cut off.
    """
    height, width = plane.shape
    padded = np.pad(plane, _window_radius(window), mode="symmetric")
    line = padded.shape[1]
    sums = padded.reshape(-1)
    for size in window:
        sums = _moving_sums(_moving_sums(sums, size, line), size, 1)
    found = as_strided(sums, (height, width), (line * sums.itemsize, sums.itemsize))
    return found * np.float32(1 / prod(window) ** 2)


def _moving_sums(values: Float32, size: int, step: int) -> Float32:
    """Return the sums of `size` values that are `step` apart, beginning at each value; computed by doubling."""
    if size == 1:
        return values
    half = _moving_sums(values, size // 2, step)
    both = _shifted_sums(half, half, size // 2 * step)
    return _shifted_sums(both, values, (size - 1) * step) if size % 2 else both


def _shifted_sums(here: Float32, there: Float32, distance: int) -> Float32:
    n = min(len(here), len(there) - distance)
    return here[:n] + there[distance : distance + n]


def _window_radius(window: tuple[int, ...]) -> int:
    return sum(size // 2 for size in window)
