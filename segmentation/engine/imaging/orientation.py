"""The way up that a camera noted, applied."""

from typing import TypeVar

import numpy as np
import PIL.Image
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)

EXIF_ORIENTATION = 0x0112
UPRIGHT = 1


def stored(image: PIL.Image.Image) -> int:
    """The orientation that a picture notes, 1 to 8; 1 when it notes none, or nonsense."""
    try:
        value = image.getexif().get(EXIF_ORIENTATION, UPRIGHT)
    except Exception:  # noqa: BLE001 - EXIF is a format of its own, and a damaged one is no reason to refuse the picture
        return UPRIGHT
    return value if isinstance(value, int) and 1 <= value <= 8 else UPRIGHT


def applied(pixels: NDArray[T], value: int) -> NDArray[T]:
    """An array (H, W, ...) turned upright, C-contiguous; itself or a copy.

    Parameters
    ----------
    pixels : ndarray, shape (H, W, ...)
    value : int
        As EXIF and TIFF count: 1 upright, 2 mirrored, 3 upside down, 4 flipped, 5 transposed, 6 to be turned right,
        7 transposed over the other diagonal, 8 to be turned left.
    """
    if value >= 5:
        pixels = pixels.swapaxes(0, 1)
    if value in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    if value in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
