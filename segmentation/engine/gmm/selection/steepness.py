"""Classify pixels by the steepness of the picture: pure pixels are mostly flat, mixed ones lie on slopes."""

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, correlate1d

THRESHOLDS = (1.5, 2.5, 4.0, 8.0)
"""Between the classes, as multiples of the noise of the gradient; about 3 of 10,000 flat pixels exceed the third."""

_RADIUS = 3
_OFFSETS = np.arange(-_RADIUS, _RADIUS + 1)
_SMOOTH = np.exp(-(_OFFSETS**2) / 2) / np.exp(-(_OFFSETS**2) / 2).sum()
_SLOPE = _OFFSETS * _SMOOTH  # derivative of a Gaussian with a standard deviation of one pixel
_QUARTILE = float(np.sqrt(2 * np.log(4 / 3)))  # lower quartile of a Rayleigh distribution
_LEAST_NOISE = 2.0  # of the gradient, in units a pixel, added to what is measured: less is no structure
_NEIGHBOURS = np.ones((1, 2 * _RADIUS + 1, 2 * _RADIUS + 1), np.bool_)


def steepness_classes(windows: NDArray[np.generic], valid: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the steepness class of each pixel, 0 (flat) to 4.

    The steepness is the largest gradient magnitude of all bands (with a Gaussian of one pixel), relative to the noise of the
    gradient. The noise is estimated from the lower quartile of the magnitude, because most of the flattest quarter of the
    pixels is noise even in pictures with fine structures. Where a gradient touches pixels without data, it is not known: these
    pixels get the highest class.

    Parameters
    ----------
    windows : ndarray, shape (n, H, W, B)
        Features in rectangles of a picture.
    valid : ndarray, shape (n, H, W), bool

    Returns
    -------
    ndarray, shape (n, H, W)
    """
    known = valid & ~binary_dilation(~valid, _NEIGHBOURS) if not valid.all() else valid
    steepness = np.zeros(windows.shape[:3], np.float32)
    if known.any():
        for band in range(windows.shape[3]):
            plane = np.where(valid, windows[..., band], 0).astype(np.float32)
            across = correlate1d(correlate1d(plane, _SMOOTH, axis=1, mode="mirror"), _SLOPE, axis=2, mode="mirror")
            down = correlate1d(correlate1d(plane, _SLOPE, axis=1, mode="mirror"), _SMOOTH, axis=2, mode="mirror")
            slope = np.hypot(across, down, out=across)
            noise = np.hypot(_lower_quartile(slope[known]) / _QUARTILE, _LEAST_NOISE)
            np.maximum(steepness, slope / noise, out=steepness)
    steepness[~known] = np.inf
    classes: NDArray[np.intp] = np.digitize(steepness, THRESHOLDS)
    return classes


def _lower_quartile(values: NDArray[np.float32]) -> float:
    rank = len(values) // 4
    return float(np.partition(values, rank)[rank])
