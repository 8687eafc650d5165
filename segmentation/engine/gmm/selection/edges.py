"""Where a picture has edges: pixels there mix two materials, and mixtures of colours are no clusters."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, correlate1d

Float32 = NDArray[np.float32]

EDGE_THRESHOLD = 4.0
"""Times the noise of the gradient: about 3 of 10,000 flat pixels seem to be edges."""

_RADIUS = 3
_OFFSETS = np.arange(-_RADIUS, _RADIUS + 1)
_SMOOTH = np.exp(-(_OFFSETS**2) / 2) / np.exp(-(_OFFSETS**2) / 2).sum()
_SLOPE = _OFFSETS * _SMOOTH  # derivative of a Gaussian of one pixel
_GAIN = float(np.sqrt((_SMOOTH**2).sum() * (_SLOPE**2).sum()))  # of independent noise; about 0.2
_QUARTILE = float(np.sqrt(2 * np.log(4 / 3)))  # of a Rayleigh distribution
_ROUNDING = float(np.sqrt(1 / 12))  # noise of whole numbers
_MIN_INTERIOR_SHARE = 0.1


def interior_mask(windows: NDArray[np.generic]) -> NDArray[np.bool_]:
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
        noise = np.maximum(_quartiles(slope) / _QUARTILE, _GAIN * _ROUNDING)
        np.maximum(steepness, slope / noise, out=steepness)
    inside = ~binary_dilation(steepness > EDGE_THRESHOLD, np.ones((1, 3, 3), np.bool_))
    rough = inside.mean(axis=(1, 2)) < _MIN_INTERIOR_SHARE
    inside[rough] = steepness[rough] <= _quartiles(steepness[rough])
    return inside


def _quartiles(planes: Float32) -> Float32:
    """Lower quartile (n, 1, 1) of each of some planes (n, H, W)."""
    flat = planes.reshape(len(planes), math.prod(planes.shape[1:]))
    rank = flat.shape[1] // 4
    return np.partition(flat, rank, axis=1)[:, rank, None, None]
