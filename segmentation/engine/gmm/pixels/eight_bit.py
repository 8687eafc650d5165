import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.features.colour_spaces import STEPS, TRANSFORMS
from segmentation.engine.gmm.features.extraction import colour_names
from segmentation.engine.gmm.features.units import Units
from segmentation.engine.gmm.mixture.monomials import Float
from segmentation.engine.gmm.pixels.distinct_colours import (
    CODES,
    ColourCounts,
    code_blocks,
    codes_at,
    count_colours,
    group_codes,
)
from segmentation.engine.gmm.pixels.sample import Mask, Sample
from segmentation.engine.gmm.pixels.sampling import sample_valid_indices
from segmentation.engine.gmm.pixels.source import Kernel, Values
from segmentation.engine.progress import OnFraction
from segmentation.engine.recipe import Features


class EightBit:
    """A feature source of 8-bit red, green and blue, in which the features of a pixel depend on its colour only.

    Parameters
    ----------
    pixels : ndarray, shape (H, W, 3), uint8, C-contiguous
    valid : ndarray, shape (H, W), bool, or None
        Which pixels are valid; None means all.
    features : Features
    """

    def __init__(self, pixels: NDArray[np.uint8], valid: Mask | None, features: Features = Features.RGB) -> None:
        self.shape = (pixels.shape[0], pixels.shape[1])
        self.pixels = pixels.reshape(-1, 3)
        self.valid = None if valid is None else np.ascontiguousarray(valid).reshape(-1)
        self.transform = TRANSFORMS.get(features)
        self.floor: Float = np.full(self._values(self.pixels[:1]).shape[1], STEPS[features] ** 2 / 12)
        self.n_valid = len(self.pixels) if valid is None else int(np.count_nonzero(valid))
        self.units = Units.identity(3)
        self.names = tuple(colour_names(features, 3))

    def sample(self, n: int, rng: np.random.Generator) -> Sample:
        drawn = sample_valid_indices(self.valid, len(self.pixels), n, rng)
        return self._sample(group_codes(codes_at(self.pixels, drawn)))

    def full_sample(self, on_fraction: OnFraction) -> Sample:
        return self._sample(count_colours(self.pixels, self.valid, on_fraction))

    def part(self, rows: slice, columns: slice) -> tuple[Values, Mask]:
        pixels = self.pixels.reshape(*self.shape, 3)[rows, columns]
        valid = np.ones(pixels.shape[:2], np.bool_)
        if self.valid is not None:
            valid = self.valid.reshape(self.shape)[rows, columns]
        return self._values(pixels.reshape(-1, 3)).reshape(*valid.shape, -1), valid

    def colours(self, chosen: Mask | slice) -> NDArray[np.uint8]:
        return self.pixels[chosen]

    def levels(self, kernel: Kernel) -> NDArray[np.uint8]:
        """Apply a kernel once to each distinct colour, and map the result to each pixel."""
        found = count_colours(self.pixels, self.valid)
        table = np.zeros(CODES, np.uint8)
        table[found.codes] = kernel(self._values(found.values()))
        levels = np.empty(len(self.pixels), np.uint8)
        for block, codes in code_blocks(self.pixels):
            table.take(codes, mode="clip", out=levels[block])
        return levels.reshape(self.shape)

    def _values(self, colours: NDArray[np.uint8]) -> Values:
        return colours if self.transform is None else self.transform(colours.T).T

    def _sample(self, found: ColourCounts) -> Sample:
        colours = found.values()
        return Sample(self._values(colours), found.counts, colours)
