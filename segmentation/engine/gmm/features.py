"""What is measured at the pixels of a picture of any depth and number of bands: colour, texture and place.

All is in units whose usual range is of the order of 100, as `monomials` wants it: 8-bit values as they are, 16-bit ones
divided by 257, others mapped from their smallest and largest value to 0 and 255. Nothing else is standardised: a unit
means the same in every picture.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from segmentation.engine.exceptions import SegmentationError, gettext_noop
from segmentation.engine.gmm.colour_spaces import STEPS, TRANSFORMS, lightness
from segmentation.engine.gmm.monomials import Float
from segmentation.engine.recipe import Features, Recipe

Float32 = NDArray[np.float32]
Mask = NDArray[np.bool_]

MOST_BANDS = 16
TEXTURE_SCALES = (2.0, 5.0)  # pixels
PLACE_RANGE = 100.0  # of the longer side
_FLOAT_LEVELS = 2**16  # that are told apart between the smallest and the largest of floating-point values


@dataclass(frozen=True, slots=True, eq=False)
class Measurements:
    """Values of all pixels, with what is known of their precision."""

    values: Float32  # (H, W, D)
    valid: Mask | None  # (H, W); None when all pixels count
    floor: Float  # (D,) variance of their rounding, squared units
    names: tuple[str, ...]  # (D,)


def measure(pixels: NDArray[np.generic], valid: Mask | None, recipe: Recipe) -> Measurements:
    """Measure every pixel as a recipe says.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, B)
        uint8, uint16 or floating point; at most 16 bands. NaN and infinity are no data.
    valid : ndarray, shape (H, W), bool, or None
        Which pixels count.
    recipe : Recipe
        Its features, texture and position.

    Raises
    ------
    SegmentationError
        ``invalid_request`` for more bands, or a colour space that the bands do not have; ``empty`` when nothing counts.
    TypeError
        For other types.
    """
    bands, level, valid = scaled(pixels, valid)
    height, width, n_bands = bands.shape
    _check(n_bands, recipe.features)
    flat = bands.reshape(-1, n_bands)
    colours = np.empty((len(flat), TRANSFORMS[recipe.features](flat[:1]).shape[1]), np.float32)
    for begin in range(0, len(flat), 2**16):
        colours[begin : begin + 2**16] = TRANSFORMS[recipe.features](flat[begin : begin + 2**16])
    parts = [colours.reshape(height, width, -1)]
    steps = [level * STEPS[recipe.features]] * parts[0].shape[2]
    names = [f"{recipe.features.value} {number}" for number in range(1, parts[0].shape[2] + 1)]
    if recipe.texture:
        light = _light(flat).reshape(height, width)
        parts += [texture(light, scale)[..., None] for scale in TEXTURE_SCALES[: recipe.texture]]
        steps += [level * STEPS[Features.GRAY]] * recipe.texture
        names += [f"texture {scale:g}" for scale in TEXTURE_SCALES[: recipe.texture]]
    if recipe.position:
        parts.append(places(height, width))
        steps += [PLACE_RANGE / max(height, width)] * 2
        names += ["across", "down"]
    values = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)
    return Measurements(values, valid, np.array(steps) ** 2 / 12, tuple(names))


def scaled(pixels: NDArray[np.generic], valid: Mask | None) -> tuple[Float32, float, Mask | None]:
    """The bands (H, W, B) in units of 0 to 255, the size of one step of theirs, and which pixels have data.

    Pixels without data get 0.
    """
    if pixels.ndim not in {2, 3} or (valid is not None and valid.shape != pixels.shape[:2]):
        raise ValueError("pixels must have shape (H, W) or (H, W, B), and valid (H, W)")
    bands = pixels if pixels.ndim == 3 else pixels[..., None]
    if pixels.dtype == np.uint8:
        scale, step, low = 1.0, 1.0, 0.0
    elif pixels.dtype == np.uint16:
        scale, step, low = 1 / 257, 1 / 257, 0.0
    elif np.issubdtype(pixels.dtype, np.floating):
        finite = np.isfinite(bands).all(axis=2)
        valid = finite if valid is None else valid & finite
        _require(valid)
        low, high = float(bands[valid].min()), float(bands[valid].max())
        scale = 255 / (high - low) if high - low > abs(high) * 1e-12 else 0.0
        step = 255 / _FLOAT_LEVELS if scale else 1.0
    else:
        raise TypeError("pixels must be uint8, uint16 or floating point")
    _require(valid if valid is not None else np.ones(pixels.shape[:2], np.bool_))
    kept = bands if valid is None else np.where(valid[..., None], bands, bands.dtype.type(low))
    units = (kept.astype(np.float64) - low) * scale
    return units.astype(np.float32), step, None if valid is None or valid.all() else valid


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


def _light(flat: Float32) -> Float32:
    """Lightness (n,) of bands (n, B): of three as colours, else of their mean as grey."""
    grey = flat if flat.shape[1] == 3 else flat.mean(axis=1, keepdims=True)
    light = np.empty(len(flat), np.float32)
    for begin in range(0, len(flat), 2**16):
        light[begin : begin + 2**16] = lightness(grey[begin : begin + 2**16])[:, 0]
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


def _require(valid: Mask) -> None:
    if not valid.any():
        raise SegmentationError(
            "empty", gettext_noop("The picture has no visible pixels: choose one that is not fully transparent.")
        )
