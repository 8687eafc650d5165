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
"""Makes a level (n,) of each of some values (n, D)."""


class FeatureSource(Protocol):
    """The pixels of a picture that count, as values to be fitted."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""

    @property
    def n_valid(self) -> int:
        """Pixels that count, at least one."""

    @property
    def floor(self) -> Float:
        """Variances (D,) below which a component cannot go, in squared units of the values."""

    def sample(self, n: int, rng: np.random.Generator) -> Sample:
        """At most n of the pixels; all, when there are no more."""

    def full_sample(self, on_fraction: OnFraction) -> Sample:
        """All pixels."""

    @property
    def units(self) -> Units:
        """What values of the picture are in units of the fit."""

    @property
    def names(self) -> tuple[str, ...]:
        """What the values (D,) are called."""

    def part(self, rows: slice, columns: slice) -> tuple[Values, Mask]:
        """Values (h, w, D) of a part of the picture, and which of them count."""

    def colours(self, chosen: Mask | slice) -> NDArray[np.uint8]:
        """Colours (m, 3), as people see them, of the chosen of all (n,) pixels."""

    def levels(self, kernel: Kernel) -> NDArray[np.uint8]:
        """What a kernel makes of each pixel's value, in whatever blocks; shape (H, W)."""
