"""What a fit asks of a picture: a sample, all of it, its labels under a mixture."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.colour_spaces import STEPS, TRANSFORMS
from segmentation.engine.gmm.colours import CODES, Colours, codes_at, count, encode, group, runs, stretches
from segmentation.engine.gmm.features import Measurements, colour_names, measure
from segmentation.engine.gmm.fitting import Sample
from segmentation.engine.gmm.labelling import NO_DATA, Mask, Painted, paint, paint_values
from segmentation.engine.gmm.mixture import Mixture
from segmentation.engine.gmm.monomials import Float
from segmentation.engine.gmm.sampling import valid_places
from segmentation.engine.gmm.units import Units, visible
from segmentation.engine.progress import OnFraction, silent
from segmentation.engine.recipe import Features, Recipe

Values = NDArray[np.generic]
Kernel = Callable[[Values], NDArray[np.uint8]]
"""Makes a level (n,) of each of some values (n, D)."""


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

    @property
    def units(self) -> Units:
        """What values of the picture are in units of the fit."""

    @property
    def names(self) -> tuple[str, ...]:
        """What the values (D,) are called."""

    def part(self, rows: slice, columns: slice) -> tuple[Values, Mask]:
        """Values (h, w, D) of a part of the picture, and which of them count."""

    def paint(self, mixture: Mixture, sample: Sample, on_fraction: OnFraction) -> Painted:
        """Label all pixels (n,)."""

    def colours(self, chosen: Mask | slice) -> NDArray[np.uint8]:
        """Colours (m, 3), as people see them, of the chosen of all (n,) pixels."""

    def levels(self, kernel: Kernel) -> NDArray[np.uint8]:
        """What a kernel makes of each pixel's value, in whatever blocks; shape (H, W)."""


def picture_of(
    pixels: NDArray[np.generic],
    valid: Mask | None,
    recipe: Recipe,
    shown: NDArray[np.uint8] | None = None,
    on_fraction: OnFraction = silent,
) -> Picture:
    """The pixels as a recipe wants them measured.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, B)
        Whole or real numbers.
    valid : ndarray, shape (H, W), bool, or None
        Which pixels count; None means all.
    recipe : Recipe
    shown : ndarray, shape (H, W, 3), uint8, or None
        The picture as people see it; None means as `units.visible` has it.
    on_fraction : callable
        Told how much is measured, up to 1.
    """
    is_plain = not (recipe.texture or recipe.position)
    if pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3 and is_plain:
        # What is shown of these is what they are.
        return EightBit(np.ascontiguousarray(pixels), valid, recipe.features)
    pixels = np.ascontiguousarray(pixels)
    measurements = measure(pixels, valid, recipe, on_fraction=on_fraction)
    seen = np.ascontiguousarray(shown) if shown is not None else visible(pixels, valid)
    bands = measurements.bands
    if bands.shape[2] == 1 and bands.dtype.kind in "iu" and bands.dtype.itemsize <= 2 and is_plain:
        return OneBand(measurements, seen)
    return Measured(measurements, seen)


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


class OneBand:
    """A grey picture of whole numbers of up to 16 bits: all is known of a pixel by its value, of which there are few.

    Parameters
    ----------
    measurements : Measurements
        Of colour alone.
    colours : ndarray, shape (H, W, 3), uint8
        The picture as people see it.
    """

    def __init__(self, measurements: Measurements, colours: NDArray[np.uint8]) -> None:
        bands = measurements.bands
        self.shape = (bands.shape[0], bands.shape[1])
        unsigned = np.dtype(f"u{bands.dtype.itemsize}")
        self._codes = np.ascontiguousarray(bands).view(unsigned).reshape(-1)
        every = np.arange(2 ** (8 * bands.dtype.itemsize)).astype(unsigned).view(bands.dtype)
        # What the picture does not hold may lie far outside its units.
        self._values = replace(
            measurements, bands=every[None, :, None], valid=None, textures=measurements.textures[:, :1, :1]
        )[:]
        self._valid = None if measurements.valid is None else measurements.valid.reshape(-1)
        self._colours = colours.reshape(-1, 3)
        self.floor, self.units, self.names = measurements.floor, measurements.units, measurements.names
        self.n_valid = len(self._codes) if self._valid is None else int(np.count_nonzero(self._valid))

    def sample(self, n: int, rng: np.random.Generator) -> Sample:
        drawn = valid_places(self._valid, len(self._codes), n, rng)
        codes, first, counts = np.unique(self._codes[drawn], return_index=True, return_counts=True)
        return Sample(self._values[codes], counts, self._colours[drawn[first]])

    def everything(self, on_fraction: OnFraction) -> Sample:
        counts = np.zeros(len(self._values), np.int64)
        where = np.zeros(len(self._values), np.intp)
        for run in stretches(len(self._codes)):
            places = np.arange(run.start, run.stop)
            places = places if self._valid is None else places[self._valid[run]]
            counts += np.bincount(self._codes[places], minlength=len(counts))
            where[self._codes[places]] = places
            on_fraction(run.stop / len(self._codes))
        found = np.flatnonzero(counts)
        return Sample(self._values[found], counts[found], self._colours[where[found]])

    def part(self, rows: slice, columns: slice) -> tuple[Values, Mask]:
        codes = self._codes.reshape(self.shape)[rows, columns]
        valid = np.ones(codes.shape, np.bool_)
        return self._values[codes], valid if self._valid is None else self._valid.reshape(self.shape)[rows, columns]

    def paint(self, mixture: Mixture, sample: Sample, on_fraction: OnFraction) -> Painted:  # noqa: ARG002 - all values
        table = mixture.predict(self._values)
        labels, counts = np.empty(len(self._codes), np.uint8), np.zeros(NO_DATA + 1, np.int64)
        for run in stretches(len(self._codes)):
            table.take(self._codes[run], out=labels[run], mode="clip")
            if self._valid is not None:
                labels[run][~self._valid[run]] = NO_DATA
            counts += np.bincount(labels[run], minlength=len(counts))
            on_fraction(run.stop / len(labels))
        return Painted(labels, counts[: mixture.n_components])

    def colours(self, chosen: Mask | slice) -> NDArray[np.uint8]:
        return self._colours[chosen]

    def levels(self, kernel: Kernel) -> NDArray[np.uint8]:
        table, levels = kernel(self._values), np.empty(len(self._codes), np.uint8)
        for run in stretches(len(levels)):
            table.take(self._codes[run], out=levels[run], mode="clip")
        return levels.reshape(self.shape)


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
        self._measurements = measurements
        self._valid = None if measurements.valid is None else measurements.valid.reshape(-1)
        self._colours = colours.reshape(-1, 3)
        self.floor, self.units, self.names = measurements.floor, measurements.units, measurements.names
        self.n_valid = len(self._measurements) if self._valid is None else int(np.count_nonzero(self._valid))

    def sample(self, n: int, rng: np.random.Generator) -> Sample:
        return self._sample(valid_places(self._valid, len(self._measurements), n, rng))

    def everything(self, on_fraction: OnFraction) -> Sample:
        chosen = np.arange(len(self._measurements)) if self._valid is None else np.flatnonzero(self._valid)
        on_fraction(1.0)
        return self._sample(chosen)

    def part(self, rows: slice, columns: slice) -> tuple[Values, Mask]:
        values = self._measurements.part(rows, columns)
        valid = np.ones(values.shape[:2], np.bool_)
        return values, valid if self._valid is None else self._valid.reshape(self.shape)[rows, columns]

    def paint(self, mixture: Mixture, sample: Sample, on_fraction: OnFraction) -> Painted:  # noqa: ARG002 - no table
        return paint_values(self._measurements, self._valid, mixture, on_fraction)

    def colours(self, chosen: Mask | slice) -> NDArray[np.uint8]:
        return self._colours[chosen]

    def levels(self, kernel: Kernel) -> NDArray[np.uint8]:
        levels = np.empty(len(self._measurements), np.uint8)
        for run in stretches(len(levels)):
            levels[run] = kernel(self._measurements[run])
        return levels.reshape(self.shape)

    def _sample(self, places: NDArray[np.intp]) -> Sample:
        """The pixels at some places, equal values together: told by one number, a fixed projection of theirs."""
        values = self._measurements[places]
        rng, key = np.random.default_rng(0), np.zeros(len(values))
        for number in range(values.shape[1]):
            key += values[:, number].astype(np.float64) * rng.uniform(0.5, 1)
        _, first, counts = np.unique(key, return_index=True, return_counts=True)
        return Sample(values[first], counts, self._colours[places[first]])
