import numpy as np
from numpy.typing import NDArray

from segmentation.engine.gmm.features.extraction import Measurements
from segmentation.engine.gmm.fit.fitting import Sample
from segmentation.engine.gmm.labels.labelling import Mask, Painted, paint_values
from segmentation.engine.gmm.mixture.mixture import Mixture
from segmentation.engine.gmm.pixels.distinct_colours import stretches
from segmentation.engine.gmm.pixels.sampling import valid_places
from segmentation.engine.gmm.pixels.source import Kernel, Values
from segmentation.engine.progress import OnFraction


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
        if self._measurements.position:  # no two are at one place
            return Sample(values, np.ones(len(values), np.int32), self._colours[places])
        rng, key = np.random.default_rng(0), np.zeros(len(values))
        for number in range(values.shape[1]):
            key += values[:, number].astype(np.float64) * rng.uniform(0.5, 1)
        _, first, counts = np.unique(key, return_index=True, return_counts=True)
        return Sample(values[first], counts, self._colours[places[first]])
