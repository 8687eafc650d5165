"""Mean and spread of each band over the pixels of each component, in the picture's own values."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.mixture.monomials import Float

_VALUES_AT_A_TIME = 2**16  # they stay in the cache of a processor
_ROWS_OF_ORIGIN = 16  # each of so many rows


@dataclass(frozen=True, slots=True, kw_only=True)
class BandStatistics:
    """Mean and standard deviation of one band over some pixels."""

    mean: float
    sd: float  # with n - 1; 0 for a single pixel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BandSums:
    """Sums over the pixels of each component, so that merging components adds them.

    They are sums of (value / scale - origin). The origin is near the mean of the band: squares of large values that hardly differ
    would lose their digits. The scale of double precision keeps squares within the range of floating point.
    """

    scale: Float  # (B,) powers of two, by which values are divided
    origin: Float  # (B,) in values divided by `scale`
    pixels: NDArray[np.int64]  # (K,)
    sums: Float  # (K, B)
    squares: Float  # (K, B)

    def of(self, components: Iterable[int]) -> tuple[BandStatistics, ...]:
        """Return mean and spread of each band (B,) over the pixels of components together; none without a pixel."""
        chosen = list(components)
        n = int(self.pixels[chosen].sum())
        if n == 0:
            return ()
        sums, squares = self.sums[chosen].sum(axis=0), self.squares[chosen].sum(axis=0)
        variances = np.maximum(squares - sums**2 / n, 0) / max(n - 1, 1)
        means, deviations = self.scale * (self.origin + sums / n), self.scale * np.sqrt(variances)
        return tuple(
            BandStatistics(mean=mean, sd=sd) for mean, sd in zip(means.tolist(), deviations.tolist(), strict=True)
        )

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Parse what `to_mapping` has written."""
        return cls(
            scale=np.array(mapping["scale"], np.float64),
            origin=np.array(mapping["origin"], np.float64),
            pixels=np.array(mapping["pixels"], np.int64),
            sums=np.array(mapping["sums"], np.float64),
            squares=np.array(mapping["squares"], np.float64),
        )

    def to_mapping(self) -> dict[str, Any]:
        """Return the sums as a JSON object; `from_mapping` is its inverse."""
        return {name: getattr(self, name).tolist() for name in ("scale", "origin", "pixels", "sums", "squares")}


def band_sums(data: NDArray[np.generic], labels: NDArray[np.uint8], n_components: int) -> BandSums:
    """Return the sums of each band over the pixels of each component.

    Parameters
    ----------
    data : ndarray, shape (H, W, B)
        The values of a picture; NaN and infinity only where the label is `n_components` or more.
    labels : ndarray, shape (H, W), uint8
    n_components : int
    """
    n_bands = data.shape[2]
    pixels = np.bincount(labels.ravel(), minlength=256)[:n_components].astype(np.int64)
    scale = _scale(data, labels, n_components) if data.dtype == np.float64 else np.ones(n_bands)
    origin = _origin(data, labels, n_components, scale)
    sums, squares = np.zeros((n_components, n_bands)), np.zeros((n_components, n_bands))
    for members, values in _blocks(data, labels, n_components):
        for band in range(n_bands):
            difference = values[:, band].astype(np.float64)
            difference /= scale[band]
            difference -= origin[band]
            sums[:, band] += np.bincount(members, difference, minlength=n_components)
            difference *= difference
            squares[:, band] += np.bincount(members, difference, minlength=n_components)
    return BandSums(scale=scale, origin=origin, pixels=pixels, sums=sums, squares=squares)


def _origin(data: NDArray[np.generic], labels: NDArray[np.uint8], n_components: int, scale: Float) -> Float:
    """Return the mean (B,) of the labelled pixels of some rows, or of all rows when these have none, divided by `scale`."""
    for step in (_ROWS_OF_ORIGIN, 1):
        total, count = np.zeros(data.shape[2]), 0
        for members, values in _blocks(data[::step], labels[::step], n_components):
            total += (values.astype(np.float64) / scale).sum(axis=0)
            count += len(members)
        if count:
            return total / count
    return total


def _scale(data: NDArray[np.generic], labels: NDArray[np.uint8], n_components: int) -> Float:
    """Return a power of two (B,) below the largest magnitude of each band, and above half of it; 1 where that is 0."""
    largest = np.zeros(data.shape[2])
    for _members, values in _blocks(data, labels, n_components):
        largest = np.maximum(largest, np.abs(values).max(axis=0, initial=0.0))
    scale: Float = np.ldexp(1.0, np.frexp(largest)[1] - 1)
    return np.where(largest == 0, 1.0, scale)


def _blocks(
    data: NDArray[np.generic], labels: NDArray[np.uint8], n_components: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.generic]]]:
    """Yield labels (n,) and values (n, B) of the labelled pixels of some rows after the other."""
    height, width, n_bands = data.shape
    step = max(1, _VALUES_AT_A_TIME // (width * n_bands))
    for first in range(0, height, step):
        members, values = labels[first : first + step].ravel(), data[first : first + step].reshape(-1, n_bands)
        has_label = members < n_components
        if not has_label.all():
            members, values = members[has_label], values[has_label]
        yield members.astype(np.intp), values
