import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.features.extraction import FeatureStack
from segmentation.engine.gmm.pixels.distinct_colours import index_blocks
from segmentation.engine.gmm.pixels.sample import Mask, Sample
from segmentation.engine.gmm.pixels.sampling import sample_valid_indices
from segmentation.engine.gmm.pixels.source import Kernel, Values
from segmentation.engine.progress import OnFraction


class PerPixel:
    """A feature source of any features, computed pixel by pixel.

    Parameters
    ----------
    stack : FeatureStack
    colours : ndarray, shape (H, W, 3), uint8
        The picture as displayed.
    """

    def __init__(self, stack: FeatureStack, colours: NDArray[np.uint8]) -> None:
        self.shape = (colours.shape[0], colours.shape[1])
        self.features = stack
        self.valid = None if stack.valid is None else stack.valid.reshape(-1)
        self._colours = colours.reshape(-1, 3)
        self.floor, self.units, self.names = stack.floor, stack.units, stack.names
        self.n_valid = len(self.features) if self.valid is None else int(np.count_nonzero(self.valid))

    def sample(self, n: int, rng: np.random.Generator) -> Sample:
        return self._sample(sample_valid_indices(self.valid, len(self.features), n, rng))

    def full_sample(self, on_fraction: OnFraction) -> Sample:
        chosen = np.arange(len(self.features)) if self.valid is None else np.flatnonzero(self.valid)
        on_fraction(1.0)
        return self._sample(chosen)

    def part(self, rows: slice, columns: slice) -> tuple[Values, Mask]:
        values = self.features.part(rows, columns)
        valid = np.ones(values.shape[:2], np.bool_)
        return values, valid if self.valid is None else self.valid.reshape(self.shape)[rows, columns]

    def colours(self, chosen: Mask | slice) -> NDArray[np.uint8]:
        return self._colours[chosen]

    def levels(self, kernel: Kernel) -> NDArray[np.uint8]:
        levels = np.empty(len(self.features), np.uint8)
        for block in index_blocks(len(levels)):
            levels[block] = kernel(self.features[block])
        return levels.reshape(self.shape)

    def _sample(self, indices: NDArray[np.intp]) -> Sample:
        """Return the sample of the pixels at the given indices, with equal values counted together.

        Values are compared by one number, their projection onto a fixed pseudo-random direction.
        """
        values = self.features[indices]
        if self.features.position:  # then all values are distinct
            return Sample(values, np.ones(len(values), np.int32), self._colours[indices])
        rng, key = np.random.default_rng(0), np.zeros(len(values))
        for number in range(values.shape[1]):
            key += values[:, number].astype(np.float64) * rng.uniform(0.5, 1)
        _, first, counts = np.unique(key, return_index=True, return_counts=True)
        return Sample(values[first], counts, self._colours[indices[first]])
