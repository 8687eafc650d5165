"""How rough a picture is around each pixel, tile by tile."""

from collections.abc import Callable
from math import prod

import numpy as np
from numpy.lib.stride_tricks import as_strided

from segmentation.engine.gmm.features.tiles import tiles
from segmentation.engine.gmm.mixture.monomials import Float32
from segmentation.engine.progress import OnFraction, ignore_progress

WINDOWS = {2.0: (5, 5), 5.0: (7, 9, 13)}
"""Sides of the squares that are averaged over one after the other for each scale in pixels, which is the standard deviation
of all together (Wells, 1986)."""

SCALES = tuple(WINDOWS)

_PIXELS = 2**19  # of a tile
_MIN_DEVIATION = 2.0**-10  # units of lightness; what is less is the rounding of sums

LightnessOf = Callable[[slice, slice], Float32]
"""Lightness (h, w) of some rows and columns."""


def textures(
    shape: tuple[int, int],
    lightness_of: LightnessOf,
    scales: tuple[float, ...],
    on_fraction: OnFraction = ignore_progress,
) -> Float32:
    """Roughness of a whole picture at some scales.

    Parameters
    ----------
    shape : tuple of int
        Height and width.
    light_of : callable
    scales : tuple of float
        In pixels.
    on_fraction : callable
        Told after every tile how much is done, up to 1.

    Returns
    -------
    ndarray, shape (len(scales), H, W), float32
    """
    found = np.empty((len(scales), *shape), np.float32)
    margin = 2 * max((_window_radius(WINDOWS[scale]) for scale in scales), default=0)
    done = 0
    for tile in tiles(*shape, pixels=_PIXELS, margin=margin) if scales else ():
        light = lightness_of(*tile.padded)
        for target, scale in zip(found, scales, strict=True):
            target[tile.core] = roughness(light, scale)[tile.core_in_padded]
            done += target[tile.core].size
            on_fraction(done / found.size)
    return found


def roughness(light: Float32, scale: float) -> Float32:
    """Standard deviation of lightness (H, W) about its local mean, sqrt(G * (L - G * L)^2), in units of it.

    G is nearly a Gaussian of `scale` pixels, one of `SCALES`, mirrored at the borders. What changes slowly is no texture.
    """
    detail = light - _moving_average(light, WINDOWS[scale])
    np.square(detail, out=detail)
    deviation: Float32 = np.sqrt(_moving_average(detail, WINDOWS[scale]))
    deviation[deviation < _MIN_DEVIATION] = 0
    return deviation


def _moving_average(plane: Float32, window: tuple[int, ...]) -> Float32:
    """Means (h, w) over a window, of additions alone, so that they are the same on every processor.

    The plane is laid out with its mirrored surroundings as one long row, in which neighbours down are as many places away as
    a line is long. What is added across the ends of lines falls on the surroundings.
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
    """Sums of each value and the next ones, `size` in all and `step` apart, where there are so many: by doubling."""
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
