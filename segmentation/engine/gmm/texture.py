"""How rough a picture is around each pixel, tile by tile."""

from collections.abc import Callable

import numpy as np

from segmentation.engine.gmm.blur import Float32, blurred, kernel
from segmentation.engine.gmm.tiles import tiles
from segmentation.engine.progress import OnFraction, silent

SCALES = (2.0, 5.0)  # pixels

_PIXELS = 2**19  # of a tile
_FLAT = 2.0**-10  # units of lightness; what is less is the rounding of sums

LightOf = Callable[[slice, slice], Float32]
"""Lightness (h, w) of some rows and columns."""


def textures(
    shape: tuple[int, int], light_of: LightOf, scales: tuple[float, ...], on_fraction: OnFraction = silent
) -> Float32:
    """Roughness of a whole picture at some scales.

    Parameters
    ----------
    shape : tuple of int
        Height and width.
    light_of : callable
    scales : tuple of float
        In pixels.
    on_fraction : callable
        Told after every tile how much is done, up to 1.

    Returns
    -------
    ndarray, shape (len(scales), H, W), float32
    """
    found = np.empty((len(scales), *shape), np.float32)
    margin = 2 * max((len(kernel(scale)) // 2 for scale in scales), default=0)
    done = 0
    for tile in tiles(*shape, pixels=_PIXELS, margin=margin) if scales else ():
        light = light_of(*tile.wide)
        for target, scale in zip(found, scales, strict=True):
            target[tile.own] = roughness(light, scale)[tile.inner]
            done += target[tile.own].size
            on_fraction(done / found.size)
    return found


def roughness(light: Float32, scale: float) -> Float32:
    """Standard deviation of lightness (H, W) about its local mean, sqrt(G * (L - G * L)^2), in units of it.

    G is a Gaussian of `scale` pixels, mirrored at the borders. What changes slowly is no texture.
    """
    detail = light - blurred(light[None], scale)[0]
    deviation: Float32 = np.sqrt(blurred(detail[None] ** 2, scale)[0])
    deviation[deviation < _FLAT] = 0
    return deviation
