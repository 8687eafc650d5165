"""Detect edges by the gradient, to exclude their pixels: these mix the colours of both sides and form no cluster."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, correlate1d

Float32 = NDArray[np.float32]

EDGE_THRESHOLD = 4.0
"""Threshold of the gradient magnitude relative to its noise; about 3 of 10,000 flat pixels exceed it."""

_RADIUS = 3
_OFFSETS = np.arange(-_RADIUS, _RADIUS + 1)
_SMOOTH = np.exp(-(_OFFSETS**2) / 2) / np.exp(-(_OFFSETS**2) / 2).sum()
_SLOPE = _OFFSETS * _SMOOTH  # derivative of a Gaussian with a standard deviation of one pixel
_GAIN = float(np.sqrt((_SMOOTH**2).sum() * (_SLOPE**2).sum()))  # of independent noise; about 0.2
_QUARTILE = float(np.sqrt(2 * np.log(4 / 3)))  # lower quartile of a Rayleigh distribution
_ROUNDING = float(np.sqrt(1 / 12))  # standard deviation of the rounding error of integers
_MIN_INTERIOR_SHARE = 0.1


def interior_mask(windows: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Return which pixels are away from edges.

    An edge is where the gradient magnitude of a band (with a Gaussian of one pixel) exceeds `EDGE_THRESHOLD` times its noise.
    The noise is estimated from the lower quartile of the magnitude, because most of the flattest quarter of the pixels is
    noise even in pictures with fine structures. Edges are dilated by one pixel. If less than a tenth of the pixels remains,
    the quarter with the smallest gradient is returned instead.

    Parameters
    ----------
    windows : ndarray, shape (n, H, W, B)
        Rectangles of a picture, processed independently.

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
    """Return the lower quartile of each plane of (n, H, W), shape (n, 1, 1)."""
    flat = planes.reshape(len(planes), math.prod(planes.shape[1:]))
    rank = flat.shape[1] // 4
    return np.partition(flat, rank, axis=1)[:, rank, None, None]
