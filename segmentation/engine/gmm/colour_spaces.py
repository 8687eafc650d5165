"""What colours are measured in, value by value: arrays (n, B) of 0 to 255 in, (n, D) out."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.monomials import Float
from segmentation.engine.recipe import Features

Transform = Callable[[NDArray[np.generic]], Float]

_LINEAR_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = _LINEAR_TO_XYZ.sum(axis=1)  # D65, so that grey has a* = b* = 0


def lab(colours: NDArray[np.generic]) -> Float:
    """CIE L*a*b* (D65) of sRGB (n, 3): L* from 0 to 100, a* and b* (IEC 61966-2-1, CIE 15). Not standardised."""
    encoded = colours.astype(np.float64) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((np.maximum(encoded, 0) + 0.055) / 1.055) ** 2.4)
    relative = np.stack([(linear * row).sum(axis=1) for row in _LINEAR_TO_XYZ / _WHITE[:, None]])
    x, y, z = np.where(relative > (6 / 29) ** 3, np.cbrt(relative), relative * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=1)


def lightness(colours: NDArray[np.generic]) -> Float:
    """L* alone (n, 1), of sRGB (n, 3) or of one band (n, 1) as grey."""
    return lab(np.broadcast_to(colours, (len(colours), 3)))[:, :1]


def optical_density(colours: NDArray[np.generic]) -> Float:
    """100 log10(256 / (value + 1)) of each band: stains add in it (Beer and Lambert; Ruifrok and Johnston, 2001)."""
    density: Float = 100 * np.log10(256 / (np.maximum(colours.astype(np.float64), 0) + 1))
    return density


def as_they_are(colours: NDArray[np.generic]) -> Float:
    """The values themselves."""
    return colours.astype(np.float64)


TRANSFORMS: dict[Features, Transform] = {
    Features.RGB: as_they_are,
    Features.LAB: lab,
    Features.GRAY: lightness,
    Features.OD: optical_density,
}

STEPS: dict[Features, float] = {Features.RGB: 1.0, Features.LAB: 0.4, Features.GRAY: 0.4, Features.OD: 0.4}
"""What one of 256 levels is in the units of each space, in its middle."""
