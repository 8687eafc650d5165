"""What a fit asks of a picture: a sample, all of it, its labels under a mixture."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.colour_spaces import STEPS, TRANSFORMS, Transform
from segmentation.engine.gmm.colours import Colours, codes_at, count, encode, group
from segmentation.engine.gmm.features import Measurements, measure
from segmentation.engine.gmm.fitting import Sample
from segmentation.engine.gmm.labelling import Mask, Painted, paint, paint_values
from segmentation.engine.gmm.mixture import Mixture
from segmentation.engine.gmm.monomials import Float
from segmentation.engine.gmm.sampling import valid_places
from segmentation.engine.progress import OnFraction
from segmentation.engine.recipe import Features, Recipe

Values = NDArray[np.generic]


class Picture(Protocol):
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

    def everything(self, on_fraction: OnFraction) -> Sample:
        """All pixels."""

    def part(self, rows: slice, columns: slice) -> tuple[Values, Mask]:
        """Values (h, w, D) of a part of the picture, and which of them count."""

    def paint(self, mixture: Mixture, sample: Sample, on_fraction: OnFraction) -> Painted:
        """Label all pixels (n,)."""

    def colours(self, chosen: Mask | slice) -> NDArray[np.uint8]:
        """Colours (m, 3), as people see them, of the chosen of all (n,) pixels."""


def picture_of(pixels: NDArray[np.generic], valid: Mask | None, recipe: Recipe) -> Picture:
    """The pixels as a recipe wants them measured.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, B)
        uint8, uint16 or floating point.
    valid : ndarray, shape (H, W), bool, or None
        Which pixels count; None means all.
    recipe : Recipe
    """
    if (
        pixels.dtype == np.uint8
        and pixels.ndim == 3
        and pixels.shape[2] == 3
        and not (recipe.texture or recipe.position)
    ):
        return EightBit(np.ascontiguousarray(pixels), valid, recipe.features)
    return Measured(measure(pixels, valid, recipe), visible(pixels))


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
        self._transform: Transform | None = None if features == Features.RGB else TRANSFORMS[features]
        self.floor: Float = np.full(self._values(self._pixels[:1]).shape[1], STEPS[features] ** 2 / 12)
        self.n_valid = len(self._pixels) if valid is None else int(np.count_nonzero(valid))

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
        codes = encode(sample.colours)
        return paint(self._pixels, self._valid, mixture, codes, transform=self._transform, on_fraction=on_fraction)

    def colours(self, chosen: Mask | slice) -> NDArray[np.uint8]:
        return self._pixels[chosen]

    def _values(self, colours: NDArray[np.uint8]) -> Values:
        return colours if self._transform is None else self._transform(colours)

    def _sample(self, found: Colours) -> Sample:
        colours = found.values()
        return Sample(self._values(colours), found.counts, colours)


class Measured:
    """Whatever was measured of each pixel.

    Parameters
    ----------
    measurements : Measurements
    colours : ndarray, shape (H, W, 3), uint8
        The picture as people see it.
    """

    def __init__(self, measurements: Measurements, colours: NDArray[np.uint8]) -> None:
        self.shape = (colours.shape[0], colours.shape[1])
        self._values = measurements.values.reshape(colours.shape[0] * colours.shape[1], -1)
        self._valid = None if measurements.valid is None else measurements.valid.reshape(-1)
        self._colours = colours.reshape(-1, 3)
        self.floor = measurements.floor
        self.n_valid = len(self._values) if self._valid is None else int(np.count_nonzero(self._valid))

    def sample(self, n: int, rng: np.random.Generator) -> Sample:
        return self._sample(valid_places(self._valid, len(self._values), n, rng))

    def everything(self, on_fraction: OnFraction) -> Sample:
        chosen = slice(None) if self._valid is None else self._valid
        on_fraction(1.0)
        return self._sample(np.arange(len(self._values))[chosen])

    def part(self, rows: slice, columns: slice) -> tuple[Values, Mask]:
        values = self._values.reshape(*self.shape, -1)[rows, columns]
        valid = np.ones(values.shape[:2], np.bool_)
        return values, valid if self._valid is None else self._valid.reshape(self.shape)[rows, columns]

    def paint(self, mixture: Mixture, sample: Sample, on_fraction: OnFraction) -> Painted:  # noqa: ARG002 - no table
        return paint_values(self._values, self._valid, mixture, on_fraction)

    def colours(self, chosen: Mask | slice) -> NDArray[np.uint8]:
        return self._colours[chosen]

    def _sample(self, places: NDArray[np.intp]) -> Sample:
        """The pixels at some places, equal values together: told by one number, a fixed projection of theirs."""
        values = self._values[places]
        rng, key = np.random.default_rng(0), np.zeros(len(values))
        for number in range(values.shape[1]):
            key += values[:, number] * rng.uniform(0.5, 1)
        _, first, counts = np.unique(key, return_index=True, return_counts=True)
        return Sample(values[first], counts, self._colours[places[first]])


def visible(pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
    """How people see pixels of any depth (H, W) or (H, W, B): 8 bits of the first three bands, or of the first as grey."""
    bands = (
        pixels[..., :3] if pixels.ndim == 3 and pixels.shape[2] >= 3 else pixels.reshape(*pixels.shape[:2], -1)[..., :1]
    )
    if bands.dtype == np.uint16:
        bands = (bands // 257).astype(np.uint8)
    elif bands.dtype != np.uint8:
        finite = np.isfinite(bands)
        low, high = (float(f(bands[finite])) for f in (np.min, np.max)) if finite.any() else (0.0, 0.0)
        span = (high - low) or 1.0
        bands = np.where(finite, (np.where(finite, bands, low) - low) / span * 255, 0).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(bands, (*bands.shape[:2], 3)))
