from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.features.extraction import FeatureStack
from segmentation.engine.gmm.pixels.distinct_colours import index_blocks
from segmentation.engine.gmm.pixels.sample import Mask, Sample
from segmentation.engine.gmm.pixels.sampling import sample_valid_indices
from segmentation.engine.gmm.pixels.source import Kernel, Values
from segmentation.engine.progress import OnFraction


class OneBand:
    """A feature source of one band of integers of up to 16 bits, in which the features of a pixel depend on its value only.

    Parameters
    ----------
    stack : FeatureStack
        Without texture and position.
    colours : ndarray, shape (H, W, 3), uint8
        The picture as displayed.
    """

    def __init__(self, stack: FeatureStack, colours: NDArray[np.uint8]) -> None:
        bands = stack.bands
        self.shape = (bands.shape[0], bands.shape[1])
        unsigned = np.dtype(f"u{bands.dtype.itemsize}")
        self.codes = np.ascontiguousarray(bands).view(unsigned).reshape(-1)
        every = np.arange(2 ** (8 * bands.dtype.itemsize)).astype(unsigned).view(bands.dtype)
        # Features of all values of the type; those that are not in the picture may be far outside its range.
        self.values = replace(stack, bands=every[None, :, None], valid=None, textures=stack.textures[:, :1, :1])[:]
        self.valid = None if stack.valid is None else stack.valid.reshape(-1)
        self._colours = colours.reshape(-1, 3)
        self.floor, self.units, self.names = stack.floor, stack.units, stack.names
        self.n_valid = len(self.codes) if self.valid is None else int(np.count_nonzero(self.valid))

    def sample(self, n: int, rng: np.random.Generator) -> Sample:
        drawn = sample_valid_indices(self.valid, len(self.codes), n, rng)
        codes, first, counts = np.unique(self.codes[drawn], return_index=True, return_counts=True)
        return Sample(self.values[codes], counts, self._colours[drawn[first]])

    def full_sample(self, on_fraction: OnFraction) -> Sample:
        counts = np.zeros(len(self.values), np.int64)
        where = np.zeros(len(self.values), np.intp)
        for block in index_blocks(len(self.codes)):
            indices = np.arange(block.start, block.stop)
            indices = indices if self.valid is None else indices[self.valid[block]]
            counts += np.bincount(self.codes[indices], minlength=len(counts))
            where[self.codes[indices]] = indices
            on_fraction(block.stop / len(self.codes))
        found = np.flatnonzero(counts)
        return Sample(self.values[found], counts[found], self._colours[where[found]])

    def part(self, rows: slice, columns: slice) -> tuple[Values, Mask]:
        codes = self.codes.reshape(self.shape)[rows, columns]
        valid = np.ones(codes.shape, np.bool_)
        return self.values[codes], valid if self.valid is None else self.valid.reshape(self.shape)[rows, columns]

    def colours(self, chosen: Mask | slice) -> NDArray[np.uint8]:
        return self._colours[chosen]

    def levels(self, kernel: Kernel) -> NDArray[np.uint8]:
        table, levels = kernel(self.values), np.empty(len(self.codes), np.uint8)
        for block in index_blocks(len(levels)):
            table.take(self.codes[block], out=levels[block], mode="clip")
        return levels.reshape(self.shape)
