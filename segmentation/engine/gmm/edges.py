"""Where a picture has edges: pixels there mix two materials, and mixtures of colours are no clusters."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, correlate1d

Float32 = NDArray[np.float32]

CERTAIN = 4.0
"""Times the noise of the gradient: about 3 of 10,000 flat pixels seem to be edges."""

_RADIUS = 3
_OFFSETS = np.arange(-_RADIUS, _RADIUS + 1)
_SMOOTH = np.exp(-(_OFFSETS**2) / 2) / np.exp(-(_OFFSETS**2) / 2).sum()
_SLOPE = _OFFSETS * _SMOOTH  # derivative of a Gaussian of one pixel
_GAIN = float(np.sqrt((_SMOOTH**2).sum() * (_SLOPE**2).sum()))  # of independent noise; about 0.2
_QUARTILE = float(np.sqrt(2 * np.log(4 / 3)))  # of a Rayleigh distribution
_ROUNDING = float(np.sqrt(1 / 12))  # noise of whole numbers
_LEAST, _FLATTEST = 0.1, 0.25


def interiors(windows: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Find the pixels away from edges.

    An edge is where the gradient (of a Gaussian of one pixel) of a band stands out of the noise, which is told from the
    gradient's lower quartile: most of that quarter is noise even where structures are small. Edges are widened by one
    pixel. Where less than a tenth of the pixels would be left, the flattest quarter is taken.

    Parameters
    ----------
    windows : ndarray, shape (n, H, W, B)
        Parts of a picture, each seen by itself.

    Returns
    -------
    ndarray, shape (n, H, W), bool
    """
    steepness = np.zeros(windows.shape[:3], np.float32)
    for band in range(windows.shape[3]):
        plane = windows[..., band].astype(np.float32)
        across = correlate1d(correlate1d(plane, _SMOOTH, axis=1, mode="mirror"), _SLOPE, axis=2, mode="mirror")
        down = correlate1d(correlate1d(plane, _SLOPE, axis=1, mode="mirror"), _SMOOTH, axis=2, mode="mirror")
        slope = np.hypot(across, down)
        noise = max(float(np.quantile(slope, 0.25)) / _QUARTILE, _GAIN * _ROUNDING)
        np.maximum(steepness, slope / np.float32(noise), out=steepness)
    edges = binary_dilation(steepness > CERTAIN, np.ones((1, 3, 3), np.bool_))
    if edges.mean() > 1 - _LEAST:
        return steepness <= np.quantile(steepness, _FLATTEST)
    return ~edges
