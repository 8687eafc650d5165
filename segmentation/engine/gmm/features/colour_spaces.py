"""Convert colours to CIE L*a*b*, lightness or optical density: bands of 0 to 255 in, one row a feature out.

The results are in single precision, whose error here is a ten-thousandth of one 8-bit level.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.mixture.monomials import Float, Float32
from segmentation.engine.recipe import Features

Transform = Callable[[NDArray[np.generic]], Float32]
"""Converts bands (B, ...) to features (D, ...)."""

_LEVELS = np.arange(256, dtype=np.float32)
_LINEAR_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_RELATIVE = (_LINEAR_TO_XYZ / _LINEAR_TO_XYZ.sum(axis=1, keepdims=True)).astype(np.float32)  # to the white point D65
_DARK = np.float32((6 / 29) ** 3)  # below this, CIE L*a*b* has the tangent of the cube root instead of the cube root
_SLOPE, _AT_BLACK = np.float32((29 / 6) ** 2 / 3), np.float32(4 / 29)


def lab(colours: NDArray[np.generic]) -> Float32:
    """Return CIE L*a*b* (D65) of sRGB (3, ...): L* from 0 to 100, a* and b* (IEC 61966-2-1, CIE 15)."""
    linear = _linear(colours)
    x, y, z = (_root(_weighted(row, linear)) for row in _RELATIVE)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def lightness(colours: NDArray[np.generic]) -> Float32:
    """Return L* (1, ...) of sRGB (3, ...), or of one grey band (1, ...)."""
    linear = _linear(colours)
    light: Float32 = 116 * _root(linear if len(linear) == 1 else _weighted(_RELATIVE[1], linear)[None]) - 16
    return light


def optical_density(colours: NDArray[np.generic]) -> Float32:
    """Return the optical density of each band, 100 log10(256 / (value + 1)).

    The densities of stains add up (Beer-Lambert law; Ruifrok and Johnston, 2001).
    """
    if colours.dtype == np.uint8:
        return _by_level(optical_density, colours.astype(np.intp))
    density: Float32 = 100 * np.log10(256 / (np.maximum(colours, 0).astype(np.float32) + 1))
    return density


TRANSFORMS: dict[Features, Transform] = {
    Features.LAB: lab,
    Features.GRAY: lightness,
    Features.OD: optical_density,
}
"""The conversion to each colour space but RGB, whose features are the bands themselves."""


def lab_to_rgb(values: NDArray[np.floating]) -> Float:
    """Return the sRGB (3, ...) of CIE L*a*b* (3, ...), the inverse of `lab`; it can lie outside 0 to 255."""
    light = (values[0] + 16) / 116
    roots = np.stack([values[1] / 500 + light, light, light - values[2] / 200])
    xyz = _cubed(roots)
    linear: Float = np.tensordot(np.linalg.inv(_RELATIVE.astype(np.float64)), xyz, axes=1)
    return _encoded(linear)


def lightness_to_grey(values: NDArray[np.floating]) -> Float:
    """Return the grey band (1, ...) of L* (1, ...), the inverse of `lightness`."""
    return _encoded(_cubed((values + 16) / 116))


def density_to_bands(values: NDArray[np.floating]) -> Float:
    """Return the bands (B, ...) of optical densities (B, ...), the inverse of `optical_density`."""
    bands: Float = 256 / 10 ** (values / 100) - 1
    return bands


INVERSES: dict[Features, Callable[[NDArray[np.floating]], Float]] = {
    Features.LAB: lab_to_rgb,
    Features.GRAY: lightness_to_grey,
    Features.OD: density_to_bands,
}
"""The conversion of each colour space back to bands of 0 to 255; of lightness, to one grey band."""

STEPS: dict[Features, float] = {Features.RGB: 1.0, Features.LAB: 0.4, Features.GRAY: 0.4, Features.OD: 0.4}
"""The size of one of 256 levels in the units of each colour space, in the middle of its range."""


def _linear(encoded: NDArray[np.generic]) -> Float32:
    """Return linear light, 0 to 1, of sRGB values."""
    if encoded.dtype == np.uint8:
        return _by_level(_linear, encoded.astype(np.intp))
    share = encoded.astype(np.float32, order="C") / np.float32(255)
    light: Float32 = np.where(share <= 0.04045, share / 12.92, ((np.maximum(share, 0) + 0.055) / 1.055) ** 2.4)
    return light


def _weighted(weights: Float32, linear: Float32) -> Float32:
    red, green, blue = linear
    total: Float32 = weights[0] * red + weights[1] * green + weights[2] * blue
    return total


def _root(share: Float32) -> Float32:
    """Return the cube root, and its tangent at `_DARK` for smaller values."""
    root: Float32 = np.where(share > _DARK, np.cbrt(share), _SLOPE * share + _AT_BLACK)
    return root


def _cubed(roots: NDArray[np.floating]) -> Float:
    """Return the inverse of `_root`."""
    bound = float(np.cbrt(_DARK))
    cubed: Float = np.where(roots > bound, roots**3, (roots - float(_AT_BLACK)) / float(_SLOPE))
    return cubed


def _encoded(linear: NDArray[np.floating]) -> Float:
    """Return sRGB values of linear light, the inverse of `_linear`."""
    bright = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    encoded: Float = 255 * np.where(linear <= 0.0031308, 12.92 * linear, bright)
    return encoded


def _by_level(function: Transform, levels: NDArray[np.intp]) -> Float32:
    """Apply a function to 8-bit values of any shape, computing it once for each of the 256 levels."""
    return function(_LEVELS).take(levels)
