"""Reduce pictures by averaging over the area that each new pixel covers, and enlarge label maps by nearest neighbour."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from segmentation.engine.gmm.mixture.monomials import Float32

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """A picture at one resolution of an image pyramid."""

    pixels: NDArray[np.uint8]  # (H, W, 3)
    valid: Mask | None  # (H, W); None means all

    @property
    def shape(self) -> tuple[int, int]:
        height, width, _ = self.pixels.shape
        return height, width

    def halved(self) -> "Level":
        """Return the level at half the size: rounded means over the valid pixels of each 2 x 2.

        An odd last row or column counts twice.
        """
        if self.valid is None:
            return Level(((_sums_2x2(self.pixels) + 2) // 4).astype(np.uint8), None)
        valid = self.valid[..., None].astype(np.uint8)
        counts = _sums_2x2(valid)
        means = (_sums_2x2(self.pixels * valid) + counts // 2) // np.maximum(counts, 1)
        return Level(means.astype(np.uint8), counts[..., 0] > 0)


def pyramid(pixels: NDArray[np.uint8], valid: Mask | None, smallest: tuple[int, int]) -> list[Level]:
    """Return the image pyramid: the picture and its repeated halves, as long as no side is below that of `smallest`."""
    levels = [Level(pixels, valid)]
    while max(levels[-1].shape) > 1 and all(-(-n // 2) >= m for n, m in zip(levels[-1].shape, smallest, strict=True)):
        levels.append(levels[-1].halved())
    return levels


def area_average(pixels: NDArray[np.generic], shape: tuple[int, int]) -> Float32:
    """Return a picture (H, W, C) reduced to (h, w, C), float32, by means over rectangles with fractional borders."""
    if shape == pixels.shape[:2]:
        return pixels.astype(np.float32)
    width = pixels.shape[1]
    rows = np.empty((shape[0], width, pixels.shape[2]), np.float32)
    for target, (begin, weights) in zip(rows, _coverage(len(pixels), shape[0]), strict=True):
        _weighted(pixels[begin : begin + len(weights)], weights, target)
    columns = np.ascontiguousarray(rows.transpose(1, 0, 2))
    result = np.empty((shape[1], shape[0], pixels.shape[2]), np.float32)
    for target, (begin, weights) in zip(result, _coverage(width, shape[1]), strict=True):
        _weighted(columns[begin : begin + len(weights)], weights, target)
    return np.ascontiguousarray(result.transpose(1, 0, 2))


def area_average_valid(level: Level, shape: tuple[int, int]) -> tuple[Float32, Mask]:
    """Return a picture reduced as by `area_average` over its valid pixels only, and which of the new pixels have any.

    The other new pixels get the value of the nearest one that has data, so that holes cause no borders.
    """
    if level.valid is None:
        return area_average(level.pixels, shape), np.ones(shape, np.bool_)
    coverage = area_average(level.valid[..., None], shape)
    has_data = coverage[..., 0] > 0
    means = area_average(level.pixels * level.valid[..., None], shape)
    means /= np.where(has_data[..., None], coverage, 1)
    if not has_data.all():
        nearest = distance_transform_edt(~has_data, return_distances=False, return_indices=True)
        means = means[tuple(nearest)]
    return means, has_data


def enlarge_labels(labels: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a label map (h, w) enlarged to (H, W) by nearest neighbour."""
    down, right = ((np.arange(n) * 2 + 1) * m // (2 * n) for n, m in zip(shape, labels.shape, strict=True))
    larger: NDArray[np.uint8] = labels[:, right][down]
    return larger


def _sums_2x2(values: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return the sums over each 2 x 2 of values (H, W, C); an odd last row or column counts twice."""
    height, width, _ = values.shape
    if height % 2 or width % 2:
        values = np.pad(values, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    rows = np.add(values[::2], values[1::2], dtype=np.uint16)
    return rows[:, ::2] + rows[:, 1::2]


def _coverage(n: int, m: int) -> list[tuple[int, Float32]]:
    """Return, for each of m new pixels, the first index and the weights of the n pixels that it covers."""
    coverage = []
    for k in range(m):
        begin, end = k * n / m, (k + 1) * n / m
        inside = np.arange(int(begin), min(int(np.ceil(end)), n))
        weights = np.minimum(inside + 1, end) - np.maximum(inside, begin)
        coverage.append((int(begin), (weights / weights.sum()).astype(np.float32)))
    return coverage


def _weighted(rows: NDArray[np.generic], weights: Float32, target: Float32) -> None:
    """Write the weighted sum of rows to `target`."""
    np.multiply(rows[0], weights[0], out=target)
    for row, weight in zip(rows[1:], weights[1:], strict=True):
        target += row * weight
