"""Extract the features of pixels: colour, texture and position, of pictures of any bit depth with up to 16 bands.

All features have units whose usual range is of the order of 100, as `monomials` needs it: bands as in `units`, other colour
spaces in their own units. They are not standardised further. Features are computed when pixels are selected, because those of a
full picture in double precision would take many times its memory.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.gmm.features.colour_spaces import STEPS, TRANSFORMS, lightness
from segmentation.engine.gmm.features.texture import SCALES, textures
from segmentation.engine.gmm.features.units import Units, as_bands
from segmentation.engine.gmm.mixture.monomials import Float, Float32
from segmentation.engine.progress import OnFraction, ignore_progress
from segmentation.engine.recipe import Features, Recipe

Mask = NDArray[np.bool_]
Values = NDArray[np.generic]
PixelIndex = Mask | slice | NDArray[np.intp]
Coordinates = tuple[NDArray[np.integer], NDArray[np.integer]]
"""Rows and columns (m,) of pixels."""

MAX_BANDS = 16
POSITION_RANGE = 100.0  # the longer side of a picture, in units of the features across and down


@dataclass(frozen=True, slots=True, eq=False)
class FeatureStack:
    """The features of all pixels of a picture, computed when pixels are selected.

    An index selects pixels in row-major order and gives features (m, D); `part` selects a rectangle.
    """

    bands: Values  # (H, W, B) the values of the picture
    valid: Mask | None  # (H, W); None when all pixels are valid
    features: Features
    units: Units
    textures: Float32  # (S, H, W)
    position: bool  # whether the position of a pixel is among its features
    floor: Float  # (D,) variance of the rounding errors of each feature, in squared units
    names: tuple[str, ...]  # (D,) of the features

    @property
    def values(self) -> Values:
        """The features of all pixels, shape (H, W, D); features of bands are 0 where there is no data."""
        return self.part(slice(None), slice(None))

    def part(self, rows: slice, columns: slice) -> Values:
        """Return the features (h, w, D) of a rectangle of the picture."""
        bands, valid = self.bands[rows, columns], None if self.valid is None else self.valid[rows, columns].reshape(-1)
        shape, position = bands.shape[:2], None
        textures = self.textures[:, rows, columns].reshape(len(self.textures), shape[0] * shape[1])
        if self.position:
            height, width = self.bands.shape[:2]
            down, across = np.meshgrid(np.arange(height)[rows], np.arange(width)[columns], indexing="ij")
            position = down.reshape(-1), across.reshape(-1)
        values = self._values(bands.reshape(-1, bands.shape[2]), valid, textures, position)
        return values.T.reshape(values.shape[1], *shape).transpose(1, 2, 0)

    def __len__(self) -> int:
        height, width = self.bands.shape[:2]
        return int(height * width)

    def __getitem__(self, chosen: PixelIndex) -> Values:
        """Return the features (m, D) of the chosen pixels, in row-major order."""
        valid = None if self.valid is None else self.valid.reshape(-1)[chosen]
        bands = self.bands.reshape(len(self), -1)[chosen]
        textures = self.textures.reshape(len(self.textures), len(self))[:, chosen]
        return self._values(bands, valid, textures, self._coordinates(chosen) if self.position else None)

    def _coordinates(self, chosen: PixelIndex) -> Coordinates:
        """Return the rows and columns (m,) of the chosen pixels."""
        if isinstance(chosen, slice):
            chosen = np.arange(*chosen.indices(len(self)))
        index = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
        down, across = np.divmod(index.astype(np.uint32), np.uint32(self.bands.shape[1]))
        return down, across

    def _values(self, bands: Values, valid: Mask | None, textures: Float32, position: Coordinates | None) -> Values:
        """Return the features (m, D) of pixels with bands (m, B), textures (S, m) and rows and columns (m,)."""
        colour = self.units.values(bands.T.copy().T if bands.itemsize > 1 else bands).T
        if valid is not None:
            colour = np.where(valid, colour, colour.dtype.type(0))
        if self.features in TRANSFORMS:
            colour = TRANSFORMS[self.features](colour)
        if len(self.floor) == len(colour):
            return colour.T
        planes = np.empty((len(self.floor), len(bands)), np.result_type(colour, np.float32))
        planes[: len(colour)] = colour
        planes[len(colour) : len(colour) + len(textures)] = textures
        if position is not None:
            planes[-2:] = coordinates(*position, max(self.bands.shape[:2]))
        return planes.T


def extract_features(
    pixels: NDArray[np.generic],
    valid: Mask | None,
    recipe: Recipe,
    units: Units | None = None,
    on_fraction: OnFraction = ignore_progress,
) -> FeatureStack:
    """Return the features of every pixel of a picture.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, B), integer or float
        At most 16 bands. NaN and infinity are no data.
    valid : ndarray, shape (H, W), bool, or None
        Which pixels are valid; None means all.
    recipe : Recipe
        Its colour space, texture and position decide the features.
    units : Units or None
        The units of another picture, to apply its mixture to this one; None means the units of this picture.
    on_fraction : callable
        Called with the fraction of the work that is done, up to 1.

    Raises
    ------
    SegmentationError
        ``invalid_request`` for too many bands, or a colour space that the bands do not have; ``empty`` when no pixel is
        valid.
    TypeError
        For arrays of other types.
    """
    bands, valid = as_bands(pixels, valid)
    height, width, n_bands = bands.shape
    _check(n_bands, recipe.features)
    units = units or Units.of(bands, valid, recipe.features)
    if len(units.offset) != n_bands:
        raise SegmentationError(
            "invalid_request",
            gettext_noop(
                "The model needs a picture with %(wanted)s bands, but this one has %(given)s: choose another picture."
            ),
            wanted=len(units.offset),
            given=n_bands,
        )
    n_colours = len(colour_names(recipe.features, n_bands))
    steps = [step * STEPS[recipe.features] for step in units.step[:n_colours]]
    scales = SCALES[: recipe.texture]
    steps += [max(units.step) * STEPS[Features.GRAY]] * len(scales)
    if recipe.position:
        steps += [POSITION_RANGE / max(height, width)] * 2
    found = textures((height, width), lambda *part: _lightness(bands, valid, units, part), scales, on_fraction)
    on_fraction(1.0)
    floor = np.array(steps) ** 2 / 12
    return FeatureStack(
        bands, valid, recipe.features, units, found, recipe.position, floor, value_names(recipe, n_bands)
    )


def value_names(recipe: Recipe, n_bands: int) -> tuple[str, ...]:
    """Return the names (D,) of the features that a recipe extracts from a picture with `n_bands` bands."""
    textures = [f"texture {scale:g}" for scale in SCALES[: recipe.texture]]
    return (*colour_names(recipe.features, n_bands), *textures, *(("across", "down") if recipe.position else ()))


def colour_names(features: Features, n_bands: int) -> list[str]:
    """Return the names of the colour features."""
    bands = {1: ["grey"], 3: ["red", "green", "blue"]}.get(n_bands, [f"band {k}" for k in range(1, n_bands + 1)])
    if features is Features.OD:
        return [f"density of {band}" for band in bands]
    return {Features.LAB: ["L*", "a*", "b*"], Features.GRAY: ["L*"]}.get(features, bands)


def coordinates(down: NDArray[np.integer], across: NDArray[np.integer], longer: int) -> Float32:
    """Return the position features across and down of pixels, shape (2, m), 0 to 100 along the longer side.

    Parameters
    ----------
    down, across : ndarray, shape (m,), integer
        Rows and columns.
    longer : int
        Length of the picture's longer side in pixels.
    """
    unit, half = np.float32(POSITION_RANGE / longer), np.float32(0.5)
    return np.stack([(side.astype(np.float32) + half) * unit for side in (across, down)])


def _lightness(bands: Values, valid: Mask | None, units: Units, part: tuple[slice, slice]) -> Float32:
    """Return the lightness (h, w) of a rectangle of bands (H, W, B); 0 without data.

    Three bands are taken as red, green and blue; the mean of any other number as grey.
    """
    values = units.values(bands[part]).transpose(2, 0, 1)
    if valid is not None:
        values = np.where(valid[part], values, values.dtype.type(0))
    light: Float32 = lightness(values if len(values) == 3 else values.mean(axis=0, dtype=np.float32)[None])[0]
    return light


def _check(n_bands: int, features: Features) -> None:
    if not 1 <= n_bands <= MAX_BANDS:
        raise SegmentationError(
            "invalid_request",
            gettext_noop(
                "The picture has %(bands)s bands, but at most %(most)s can be segmented: remove some of them."
            ),
            bands=n_bands,
            most=MAX_BANDS,
        )
    if features in {Features.LAB, Features.GRAY} and n_bands not in {1, 3}:
        raise SegmentationError(
            "invalid_request",
            gettext_noop("Lightness needs a picture with red, green and blue: choose the colour space RGB."),
        )
    if features == Features.LAB and n_bands == 1:
        raise SegmentationError(
            "invalid_request",
            gettext_noop("The picture is grey, so it has no CIE L*a*b* colours: choose the colour space RGB or grey."),
        )
