"""A sample of a picture's pixels: distinct values with counts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.pixels.sampling import thin

Mask = NDArray[np.bool_]
"""True where a pixel is valid, False where there is no data."""

NO_DATA = 255
"""The label of pixels without data."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The distinct values of a sample of pixels, and the number of pixels that have each value."""

    values: NDArray[np.generic]  # (n, D) in units of the features
    counts: NDArray[np.integer]  # (n,), above 0
    colours: NDArray[np.uint8]  # (n, 3) as displayed

    @property
    def pixels(self) -> int:
        """Number of pixels in the sample."""
        return int(self.counts.sum(dtype=np.int64))

    def subsample(self, n: int, rng: np.random.Generator) -> "Sample":
        """Return a sample of about `n` of these pixels."""
        kept, counts = thin(self.counts, n, rng)
        return Sample(self.values[kept], counts, self.colours[kept])
