"""Gaussian blur as sums of shifted pictures, tile by tile, so that a tile stays in the cache until it is done.

Only additions and multiplications of single numbers, in a fixed order: the same on every processor, which matrix products
are not.
"""

import numpy as np

from segmentation.engine.gmm.mixture.monomials import Float32

REACH = 3.0  # in standard deviations, where the kernel is cut
_TILE = 2**14  # pixels, nearly


def kernel(sigma: float) -> Float32:
    """A normal density at whole numbers -r .. r with r = 3 sigma rounded, scaled to sum 1."""
    radius = _radius(sigma)
    weights = np.exp(-((np.arange(-radius, radius + 1) / sigma) ** 2) / 2)
    normalised: Float32 = (weights / weights.sum()).astype(np.float32)
    return normalised


def gaussian_blur(planes: Float32, sigma: float, margin: int = 0) -> Float32:
    """Convolve planes with a Gaussian, along both axes.

    Parameters
    ----------
    planes : ndarray, shape (P, H, W), float32
        Continued beyond their borders by mirroring, the border pixel doubled.
    sigma : float
        Standard deviation in pixels.
    margin : int
        By how many pixels the result reaches beyond each border.

    Returns
    -------
    ndarray, shape (P, H + 2 margin, W + 2 margin), float32
    """
    weights = kernel(sigma)
    radius = len(weights) // 2
    height, width = planes.shape[1] + 2 * margin, planes.shape[2] + 2 * margin
    rows = max(1, _TILE // (width + 2 * radius))
    result = np.empty((len(planes), height, width), np.float32)
    for plane, target in zip(planes, result, strict=True):
        padded = np.pad(plane, radius + margin, mode="symmetric")
        for begin in range(0, height, rows):
            end = min(begin + rows, height)
            down = _along(padded[begin : end + 2 * radius], weights)
            target[begin:end] = _along(down.T, weights).T
    return result


def _radius(sigma: float) -> int:
    return max(1, int(REACH * sigma + 0.5))


def _along(picture: Float32, weights: Float32) -> Float32:
    """Convolve along the first axis with a kernel (2 r + 1,) that is symmetric: (H, W) to (H - 2 r, W)."""
    radius = len(weights) // 2
    length = len(picture) - 2 * radius
    total: Float32 = picture[radius : radius + length] * weights[radius]
    pair = np.empty_like(total)
    for distance, weight in enumerate(weights[radius + 1 :], start=1):
        before, after = radius - distance, radius + distance
        np.add(picture[before : before + length], picture[after : after + length], out=pair)
        pair *= weight
        total += pair
    return total
