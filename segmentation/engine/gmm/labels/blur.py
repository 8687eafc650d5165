"""Gaussian blur as weighted sums of shifted pictures, in blocks of rows that stay in the cache.

It uses elementwise additions and multiplications in a fixed order, whose results are the same on every processor; those of
matrix products are not.
"""

import numpy as np

from segmentation.engine.gmm.mixture.monomials import Float32

REACH = 3.0  # standard deviations at which the kernel is truncated
_TILE = 2**14  # pixels of a block of rows, approximately


def kernel(sigma: float) -> Float32:
    """Return a Gaussian kernel at the integers -r .. r, where r is 3 sigma rounded, scaled to sum 1."""
    radius = _radius(sigma)
    weights = np.exp(-((np.arange(-radius, radius + 1) / sigma) ** 2) / 2)
    normalised: Float32 = (weights / weights.sum()).astype(np.float32)
    return normalised


def gaussian_blur(planes: Float32, sigma: float, margin: int = 0) -> Float32:
    """Convolve planes with a Gaussian, along both axes.

    Parameters
    ----------
    planes : ndarray, shape (P, H, W), float32
        Mirrored at the borders, with the border pixel repeated.
    sigma : float
        Standard deviation in pixels.
    margin : int
        Number of pixels by which the result extends beyond each border.

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
