"""What is measured at the pixels of a picture of any depth and number of bands: colour, texture and place.

All is in units whose usual range is of the order of 100, as `monomials` wants it: bands as `units` has them, the other colour
spaces in their own units. Nothing is standardised beyond that. Values are computed where they are asked for: those of a
whole picture in double precision would take many times its memory.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.gmm.colour_spaces import STEPS, TRANSFORMS, Transform, lightness
from segmentation.engine.gmm.monomials import Float
from segmentation.engine.gmm.units import Units, as_bands
from segmentation.engine.recipe import Features, Recipe

Float32 = NDArray[np.float32]
Mask = NDArray[np.bool_]
Values = NDArray[np.generic]
Chosen = Mask | slice | NDArray[np.intp]

MOST_BANDS = 16
TEXTURE_SCALES = (2.0, 5.0)  # pixels
PLACE_RANGE = 100.0  # of the longer side
_RUN = 2**16  # pixels at a time


@dataclass(frozen=True, slots=True, eq=False)
class Measurements:
    """What is measured of all pixels, with what is known of its precision."""

    bands: NDArray[np.generic]  # (H, W, B) the picture as it is
    valid: Mask | None  # (H, W); None when all pixels count
    features: Features
    units: Units
    around: Float32  # (H, W, E) texture and place
    floor: Float  # (D,) variance of their rounding, squared units
    names: tuple[str, ...]  # (D,)

    @property
    def values(self) -> Values:
        """Values of all pixels, shape (H, W, D); 0 for what the bands tell where there is no data."""
        return self.part(slice(None), slice(None))

    def part(self, rows: slice, columns: slice) -> Values:
        """Values (h, w, D) of a part of the picture."""
        valid = None if self.valid is None else self.valid[rows, columns]
        bands = self.bands[rows, columns]
        around = self.around[rows, columns]
        flat = bands.reshape(-1, bands.shape[2])
        values = self._values(
            flat, None if valid is None else valid.reshape(-1), around.reshape(len(flat), around.shape[2])
        )
        return values.reshape(*bands.shape[:2], values.shape[1])

    def __len__(self) -> int:
        height, width = self.bands.shape[:2]
        return int(height * width)

    def __getitem__(self, chosen: Chosen) -> Values:
        """Values (m, D) of some of all pixels, counted row by row."""
        valid = None if self.valid is None else self.valid.reshape(-1)[chosen]
        bands = self.bands.reshape(len(self), self.bands.shape[2])[chosen]
        return self._values(bands, valid, self.around.reshape(len(self), self.around.shape[2])[chosen])

    def _values(self, bands: Values, valid: Mask | None, around: Float32) -> Values:
        """Values (m, D) of pixels with bands (m, B) and what is around (m, E)."""
        units = self.units.values(bands)
        if valid is not None:
            units = np.where(valid[:, None], units, units.dtype.type(0))
        if self.features is not Features.RGB:
            units = _in_runs(TRANSFORMS[self.features], units)
        return np.concatenate([units, around], axis=1) if around.shape[1] else units


def measure(
    pixels: NDArray[np.generic], valid: Mask | None, recipe: Recipe, units: Units | None = None
) -> Measurements:
    """Measure every pixel as a recipe says.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, B)
        Whole or real numbers; at most 16 bands. NaN and infinity are no data.
    valid : ndarray, shape (H, W), bool, or None
        Which pixels count.
    recipe : Recipe
        Its features, texture and position.
    units : Units or None
        Those of another picture, to compare this one with the mixture of that; None means its own.

    Raises
    ------
    SegmentationError
        ``invalid_request`` for more bands, or a colour space that the bands do not have; ``empty`` when nothing counts.
    TypeError
        For other types.
    """
    bands, valid = as_bands(pixels, valid)
    height, width, n_bands = bands.shape
    _check(n_bands, recipe.features)
    units = units or Units.of(bands, valid, recipe.features)
    if len(units.offset) != n_bands:
        raise ValueError("the units are those of another number of bands")
    names = colour_names(recipe.features, n_bands)
    steps = [step * STEPS[recipe.features] for step in units.step[: len(names)]]
    planes: list[Float32] = []
    if recipe.texture:
        light = _light(bands, valid, units)
        planes += [texture(light, scale)[..., None] for scale in TEXTURE_SCALES[: recipe.texture]]
        steps += [max(units.step) * STEPS[Features.GRAY]] * recipe.texture
        names += [f"texture {scale:g}" for scale in TEXTURE_SCALES[: recipe.texture]]
    if recipe.position:
        planes.append(places(height, width))
        steps += [PLACE_RANGE / max(height, width)] * 2
        names += ["across", "down"]
    around = np.concatenate(planes, axis=2) if planes else np.empty((height, width, 0), np.float32)
    return Measurements(bands, valid, recipe.features, units, around, np.array(steps) ** 2 / 12, tuple(names))


def colour_names(features: Features, n_bands: int) -> list[str]:
    """What the values of a pixel's colour are called."""
    bands = {1: ["grey"], 3: ["red", "green", "blue"]}.get(n_bands, [f"band {k}" for k in range(1, n_bands + 1)])
    if features is Features.OD:
        return [f"density of {band}" for band in bands]
    return {Features.LAB: ["L*", "a*", "b*"], Features.GRAY: ["L*"]}.get(features, bands)


def _in_runs(transform: Transform, values: Values) -> Float:
    """A transform of values (n, B), whose many steps are made on a part at a time."""
    return np.concatenate([transform(values[begin : begin + _RUN]) for begin in range(0, max(len(values), 1), _RUN)])


def texture(light: Float32, scale: float) -> Float32:
    """Standard deviation of lightness (H, W) within a Gaussian window of `scale` pixels, mirrored at the borders."""
    centred = light - light.mean(dtype=np.float64).astype(np.float32)
    mean = gaussian_filter(centred, scale, mode="mirror", truncate=3)
    square = gaussian_filter(centred**2, scale, mode="mirror", truncate=3)
    deviation: Float32 = np.sqrt(np.maximum(square - mean**2, 0))
    return deviation


def places(height: int, width: int) -> Float32:
    """Where pixels are (H, W, 2): across and down, 0 to 100 along the longer side."""
    unit = PLACE_RANGE / max(height, width)
    down, across = np.indices((height, width), np.float32)
    return np.stack([across + np.float32(0.5), down + np.float32(0.5)], axis=2) * np.float32(unit)


def _light(bands: NDArray[np.generic], valid: Mask | None, units: Units) -> Float32:
    """Lightness (H, W) of bands (H, W, B): of three as colours, else of their mean as grey; 0 without data."""
    flat, light = bands.reshape(-1, bands.shape[2]), np.empty(bands.shape[:2], np.float32)
    dark, lit = None if valid is None else ~valid.reshape(-1), light.reshape(-1)
    for begin in range(0, len(flat), _RUN):
        run = slice(begin, begin + _RUN)
        values = units.values(flat[run]).astype(np.float64)
        if dark is not None:
            values[dark[run]] = 0
        lit[run] = lightness(values if values.shape[1] == 3 else values.mean(axis=1, keepdims=True))[:, 0]
    return light


def _check(n_bands: int, features: Features) -> None:
    if not 1 <= n_bands <= MOST_BANDS:
        raise SegmentationError(
            "invalid_request",
            gettext_noop("The picture has %(bands)s bands, and at most %(most)s can be segmented: leave some out."),
            bands=n_bands,
            most=MOST_BANDS,
        )
    if features in {Features.LAB, Features.GRAY} and n_bands not in {1, 3}:
        raise SegmentationError(
            "invalid_request",
            gettext_noop("Only pictures with red, green and blue have lightness: choose the bands as they are (RGB)."),
        )
    if features == Features.LAB and n_bands == 1:
        raise SegmentationError(
            "invalid_request",
            gettext_noop("The picture is grey, so it has no CIE L*a*b* colours: choose RGB or grey."),
        )
