"""Orientation of a picture as its camera recorded it (EXIF tag 0x0112), and its application to arrays."""

from typing import TypeVar

import numpy as np
import PIL.Image
from numpy.typing import NDArray

T = TypeVar("T", bound=np.generic)

EXIF_ORIENTATION = 0x0112
UPRIGHT = 1


def read_orientation(image: PIL.Image.Image) -> int:
    """Return the EXIF orientation of a picture, 1 to 8; 1 when it has none or an invalid one."""
    try:
        value = image.getexif().get(EXIF_ORIENTATION, UPRIGHT)
    except Exception:  # noqa: BLE001 - EXIF is a format of its own, and a damaged one is no reason to refuse the picture
        return UPRIGHT
    return value if isinstance(value, int) and 1 <= value <= 8 else UPRIGHT


def to_upright(pixels: NDArray[T], value: int) -> NDArray[T]:
    """Return an array rotated and mirrored so that it is upright; C-contiguous, the array itself where nothing changes.

    Parameters
    ----------
    pixels : ndarray, shape (H, W, ...)
    value : int
        Orientation by EXIF and TIFF: 1 upright, 2 mirrored left to right, 3 rotated by 180 degrees, 4 mirrored top to bottom,
        5 transposed, 6 to be rotated clockwise by 90 degrees, 7 transposed along the other diagonal, 8 to be rotated
        counterclockwise by 90 degrees.

    Returns
    -------
    ndarray, shape (H, W, ...) or (W, H, ...)
    """
    if value >= 5:
        pixels = pixels.swapaxes(0, 1)
    if value in {2, 3, 6, 7}:
        pixels = pixels[:, ::-1]
    if value in {3, 4, 7, 8}:
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
