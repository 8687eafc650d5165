from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.features.extraction import Measurements
from segmentation.engine.gmm.fit.fitting import Sample
from segmentation.engine.gmm.labels.labelling import NO_DATA, Mask, Painted
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.pixels.distinct_colours import stretches
from segmentation.engine.gmm.pixels.sampling import valid_places
from segmentation.engine.gmm.pixels.source import Kernel, Values
from segmentation.engine.progress import OnFraction


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
