"""What a fit asks of a picture: a sample, all of it, its labels under a mixture."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.colours import Colours, codes_at, count, encode, group
from segmentation.engine.gmm.fitting import Sample
from segmentation.engine.gmm.labelling import Mask, Painted, paint
from segmentation.engine.gmm.mixture import Mixture
from segmentation.engine.gmm.monomials import Float
from segmentation.engine.gmm.sampling import valid_places

OnFraction = Callable[[float], None]


class Picture(Protocol):
    """The pixels of a picture that count, as values to be fitted."""

    @property
    def n_valid(self) -> int:
        """Pixels that count, at least one."""

    @property
    def floor(self) -> Float:
        """Variances (D,) below which a component cannot go, in squared units of the values."""

    def sample(self, n: int, rng: np.random.Generator) -> Sample:
        """At most n of the pixels; all, when there are no more."""

    def everything(self, on_fraction: OnFraction) -> Sample:
        """All pixels."""

    def paint(self, mixture: Mixture, sample: Sample, on_fraction: OnFraction) -> Painted:
        """Label all pixels (n,)."""

    def colours(self, chosen: Mask) -> NDArray[np.uint8]:
        """Colours (m, 3), as people see them, of the chosen (n,) pixels."""


class EightBit:
    """Red, green and blue of 8 bits, as they are.

    Parameters
    ----------
    pixels : ndarray, shape (n, 3), uint8, C-contiguous
    valid : ndarray, shape (n,), bool, or None
        Which pixels count; None means all.
    """

    floor = np.full(3, 1 / 12)

    def __init__(self, pixels: NDArray[np.uint8], valid: Mask | None) -> None:
        self._pixels, self._valid = pixels, valid
        self.n_valid = len(pixels) if valid is None else int(np.count_nonzero(valid))

    def sample(self, n: int, rng: np.random.Generator) -> Sample:
        drawn = valid_places(self._valid, len(self._pixels), n, rng)
        return _sample(group(codes_at(self._pixels, drawn)))

    def everything(self, on_fraction: OnFraction) -> Sample:
        return _sample(count(self._pixels, self._valid, on_fraction))

    def paint(self, mixture: Mixture, sample: Sample, on_fraction: OnFraction) -> Painted:
        return paint(self._pixels, self._valid, mixture, encode(sample.colours), on_fraction)

    def colours(self, chosen: Mask) -> NDArray[np.uint8]:
        return self._pixels[chosen]


def _sample(colours: Colours) -> Sample:
    values = colours.values()
    return Sample(values, colours.counts, values)
