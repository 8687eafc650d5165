from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.features.units import Units
from segmentation.engine.gmm.mixture.monomials import Float
from segmentation.engine.gmm.pixels.sample import Mask, Sample
from segmentation.engine.progress import OnFraction

Values = NDArray[np.generic]
Kernel = Callable[[Values], NDArray[np.uint8]]
"""Computes a level (n,) from the features (n, D) of pixels."""


class FeatureSource(Protocol):
    """The interface through which a fit reads the features of a picture's pixels."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""

    @property
    def n_valid(self) -> int:
        """Number of valid pixels, at least 1."""

    @property
    def floor(self) -> Float:
        """Smallest variances (D,) of a component, in squared units of the features."""

    def sample(self, n: int, rng: np.random.Generator) -> Sample:
        """Return a sample of n valid pixels, or of all when there are no more than n."""

    def full_sample(self, on_fraction: OnFraction) -> Sample:
        """Return the sample of all valid pixels."""

    @property
    def units(self) -> Units:
        """The conversion from values of the picture to units of the fit."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names (D,) of the features."""

    def part(self, rows: slice, columns: slice) -> tuple[Values, Mask]:
        """Return the features (h, w, D) of a rectangle of the picture, and which of its pixels are valid (h, w)."""

    def colours(self, chosen: Mask | slice) -> NDArray[np.uint8]:
        """Return the displayed colours (m, 3) of the chosen pixels, in row-major order."""

    def levels(self, kernel: Kernel) -> NDArray[np.uint8]:
        """Return the result of a kernel for each pixel, shape (H, W); the kernel is called with blocks of any size."""
