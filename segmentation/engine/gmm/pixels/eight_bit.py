import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.features.colour_spaces import STEPS, TRANSFORMS
from segmentation.engine.gmm.features.extraction import colour_names
from segmentation.engine.gmm.features.units import Units
from segmentation.engine.gmm.fit.fitting import Sample
from segmentation.engine.gmm.labels.labelling import Mask, Painted, paint
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.mixture.monomials import Float
from segmentation.engine.gmm.pixels.distinct_colours import CODES, Colours, codes_at, count, encode, group, runs
from segmentation.engine.gmm.pixels.sampling import valid_places
from segmentation.engine.gmm.pixels.source import Kernel, Values
from segmentation.engine.progress import OnFraction
from segmentation.engine.recipe import Features


class EightBit:
    """Red, green and blue of 8 bits: what is measured of a pixel depends on its colour alone.

    Parameters
    ----------
    pixels : ndarray, shape (H, W, 3), uint8, C-contiguous
    valid : ndarray, shape (H, W), bool, or None
        Which pixels count; None means all.
    features : Features
    """

    def __init__(self, pixels: NDArray[np.uint8], valid: Mask | None, features: Features = Features.RGB) -> None:
        self.shape = (pixels.shape[0], pixels.shape[1])
        self._pixels = pixels.reshape(-1, 3)
        self._valid = None if valid is None else np.ascontiguousarray(valid).reshape(-1)
        self._transform = TRANSFORMS.get(features)
        self.floor: Float = np.full(self._values(self._pixels[:1]).shape[1], STEPS[features] ** 2 / 12)
        self.n_valid = len(self._pixels) if valid is None else int(np.count_nonzero(valid))
        self.units = Units.plain(3)
        self.names = tuple(colour_names(features, 3))

    def sample(self, n: int, rng: np.random.Generator) -> Sample:
        drawn = valid_places(self._valid, len(self._pixels), n, rng)
        return self._sample(group(codes_at(self._pixels, drawn)))

    def everything(self, on_fraction: OnFraction) -> Sample:
        return self._sample(count(self._pixels, self._valid, on_fraction))

    def part(self, rows: slice, columns: slice) -> tuple[Values, Mask]:
        pixels = self._pixels.reshape(*self.shape, 3)[rows, columns]
        valid = np.ones(pixels.shape[:2], np.bool_)
        if self._valid is not None:
            valid = self._valid.reshape(self.shape)[rows, columns]
        return self._values(pixels.reshape(-1, 3)).reshape(*valid.shape, -1), valid

    def paint(self, mixture: Mixture, sample: Sample, on_fraction: OnFraction) -> Painted:
        # Whatever takes a transform is worth computing for each colour once.
        codes = encode(sample.colours) if self._transform is None else count(self._pixels, self._valid).codes
        return paint(self._pixels, self._valid, mixture, codes, transform=self._transform, on_fraction=on_fraction)

    def colours(self, chosen: Mask | slice) -> NDArray[np.uint8]:
        return self._pixels[chosen]

    def levels(self, kernel: Kernel) -> NDArray[np.uint8]:
        """Computed once for each distinct colour, and looked up for each pixel."""
        found = count(self._pixels, self._valid)
        table = np.zeros(CODES, np.uint8)
        table[found.codes] = kernel(self._values(found.values()))
        levels = np.empty(len(self._pixels), np.uint8)
        for run, codes in runs(self._pixels):
            table.take(codes, mode="clip", out=levels[run])
        return levels.reshape(self.shape)

    def _values(self, colours: NDArray[np.uint8]) -> Values:
        return colours if self._transform is None else self._transform(colours.T).T

    def _sample(self, found: Colours) -> Sample:
        colours = found.values()
        return Sample(self._values(colours), found.counts, colours)
