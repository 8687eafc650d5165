"""Gaussian blur as matrix products: a run of pixels with its surroundings times a band of shifted kernels.

Dozens of planes are blurred, and a BLAS does several products in the time of one of SciPy's sums along a line. Each
product is small enough (at most 2^18 multiplications) for OpenBLAS not to split it between threads, so results do not
depend on their number.
"""

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

PRODUCT = 2**18
"""Multiplications up to which OpenBLAS does not split a product between threads."""

REACH = 3.0  # in standard deviations, where the kernel is cut
_RUN = 64  # pixels along the axis of the convolution
_ROWS = 32  # lines at a time


def kernel(sigma: float) -> Float32:
    """A normal density at whole numbers -r .. r with r = 3 sigma rounded, scaled to sum 1."""
    radius = _radius(sigma)
    weights = np.exp(-((np.arange(-radius, radius + 1) / sigma) ** 2) / 2)
    normalised: Float32 = (weights / weights.sum()).astype(np.float32)
    return normalised


def blurred(planes: Float32, sigma: float, margin: int = 0) -> Float32:
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
    height, width = planes.shape[1] + 2 * margin, planes.shape[2] + 2 * margin
    radius = len(weights) // 2
    rows, columns = _filled(height + 2 * radius, _ROWS), _filled(width, _RUN) + 2 * radius
    before = radius + margin
    after = rows - before - planes.shape[1], columns - before - planes.shape[2]
    padded = np.pad(planes, ((0, 0), (before, after[0]), (before, after[1])), mode="symmetric")
    return _along_columns(_along_rows(padded, weights), weights)[:, :height, :width]


def _radius(sigma: float) -> int:
    return max(1, int(REACH * sigma + 0.5))


def _filled(n: int, block: int) -> int:
    """n, rounded up to whole blocks."""
    return -(-n // block) * block


def _band(weights: Float32) -> Float32:
    """The matrix (run + 2 r, run) that convolves a run of pixels with its surroundings."""
    band = np.zeros((_RUN + len(weights) - 1, _RUN), np.float32)
    for column in range(_RUN):
        band[column : column + len(weights), column] = weights
    return band


def _along_rows(planes: Float32, weights: Float32) -> Float32:
    """(P, H, W) to (P, H, W - 2 r), with H in whole `_ROWS` and the result in whole `_RUN`."""
    band = _band(weights)
    n_planes, height, width = planes.shape
    blocks = planes.reshape(n_planes, -1, _ROWS, width)
    result = np.empty((*blocks.shape[:3], width - len(weights) + 1), np.float32)
    for begin in range(0, result.shape[-1], _RUN):
        np.matmul(blocks[..., begin : begin + len(band)], band, out=result[..., begin : begin + _RUN])
    return result.reshape(n_planes, height, -1)


def _along_columns(planes: Float32, weights: Float32) -> Float32:
    """(P, H, W) to (P, H - 2 r, W), with W in whole `_RUN`."""
    band = _band(weights).T
    n_planes, height, width = planes.shape
    blocks = planes.reshape(n_planes, height, -1, _RUN).transpose(0, 2, 1, 3)
    result = np.empty((n_planes, height - len(weights) + 1, width), np.float32)
    targets = result.reshape(n_planes, -1, width // _RUN, _RUN).transpose(0, 2, 1, 3)
    for begin in range(0, result.shape[1], _ROWS):
        end = min(begin + _ROWS, result.shape[1])
        part = band[: end - begin, : end - begin + len(weights) - 1]
        np.matmul(part, blocks[:, :, begin : end + len(weights) - 1], out=targets[:, :, begin:end])
    return result
