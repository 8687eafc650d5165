"""What is measured at a pixel: colour at two scales and roughness, in the units of CIE L*a*b*.

They are not standardised: a unit is about a just noticeable difference, in every picture.
"""

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.blur import Float32, blurred

FINE, COARSE = 1.0, 3.0  # pixels
DETAIL = 2.0  # pixels; what is finer counts as texture
DIMENSION = 7
NAMES = (*(f"{name} of {scale:g} pixels" for scale in (FINE, COARSE) for name in ("L*", "a*", "b*")), "roughness")

_LINEAR_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = _LINEAR_TO_XYZ.sum(axis=1)  # D65, so that grey has a* = b* = 0 exactly


def lab(pixels: NDArray[np.generic]) -> Float32:
    """CIE L*a*b* (D65) of sRGB values.

    Parameters
    ----------
    pixels : ndarray, shape (H, W, 3)
        sRGB from 0 to 255, whole numbers or not.

    Returns
    -------
    ndarray, shape (3, H, W), float32
        L* from 0 to 100, a* and b* (IEC 61966-2-1 and CIE 15).
    """
    encoded = np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float32) / np.float32(255)
    linear = np.where(
        encoded <= 0.04045, encoded / np.float32(12.92), ((encoded + np.float32(0.055)) / np.float32(1.055)) ** 2.4
    ).astype(np.float32)
    matrix = (_LINEAR_TO_XYZ / _WHITE[:, None]).astype(np.float32)
    relative = np.stack([row[0] * linear[0] + row[1] * linear[1] + row[2] * linear[2] for row in matrix])
    cubic = np.cbrt(relative)
    x, y, z = np.where(
        relative > (6 / 29) ** 3, cubic, relative * np.float32((29 / 6) ** 2 / 3) + np.float32(4 / 29)
    ).astype(np.float32)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def features(colours: Float32) -> Float32:
    """Colour, colour around it, and roughness of lightness.

    Parameters
    ----------
    colours : ndarray, shape (3, H, W), float32
        From `lab`.

    Returns
    -------
    ndarray, shape (7, H, W), float32
        G1 * Lab, G3 * Lab, and sqrt(G3 * (L - G2 * L)^2), with G_s a Gaussian of s pixels.
    """
    detail = colours[:1] - blurred(colours[:1], DETAIL)
    coarse = blurred(np.concatenate([colours, detail**2]), COARSE)
    return np.concatenate([blurred(colours, FINE), coarse[:3], np.sqrt(coarse[3:])])
