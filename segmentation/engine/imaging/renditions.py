"""Encoded pictures for browsers, made from decoded pixels: no metadata of the uploaded file gets into them."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import PIL.Image
from numpy.typing import NDArray

_LOSSLESS_BELOW = 1_000_000  # pixels; larger ones are JPEG
_LONGEST_JPEG = 65_500  # pixels of a side, the limit of libjpeg
_LOSSLESS_THUMBNAIL = 256  # pixels of the longer side; thumbnails up to this size are PNG


@dataclass(frozen=True, slots=True)
class Rendition:
    """An encoded picture."""

    data: bytes
    content_type: str


def display(pixels: NDArray[np.uint8]) -> Rendition:
    """Return a picture (H, W, 3) encoded in full resolution: as PNG below 1 megapixel, else as JPEG of quality 90."""
    height, width = pixels.shape[:2]
    image = PIL.Image.fromarray(pixels)
    if width * height < _LOSSLESS_BELOW or max(width, height) > _LONGEST_JPEG:
        return _encoded(image, "PNG", compress_level=3)
    return _encoded(image, "JPEG", quality=90, subsampling=0)  # thin coloured structures keep their colour


def thumbnail(pixels: NDArray[np.uint8], *, size: int) -> Rendition:
    """Return a picture (H, W, 3) reduced to at most `size` pixels a side, encoded as PNG or WebP; never enlarged."""
    image = PIL.Image.fromarray(pixels)
    image.thumbnail((size, size), PIL.Image.Resampling.LANCZOS, reducing_gap=3.0)
    return _encoded_thumbnail(image)


def map_thumbnail(labels: NDArray[np.uint8], palette: NDArray[np.uint8], *, size: int) -> Rendition:
    """Return a coloured label map reduced to at most `size` pixels a side, encoded as PNG or WebP; never enlarged.

    Parameters
    ----------
    labels : ndarray, shape (H, W), uint8
    palette : ndarray, shape (256, 3) or (256, 4), uint8
        The colour of each label value, RGB or RGBA.
    size : int
    """
    mode = "RGBA" if palette.shape[1] == 4 else "RGB"
    image = PIL.Image.frombytes("P", labels.shape[::-1], labels.tobytes())
    image.putpalette(palette.tobytes(), mode)
    image = image.convert(mode)
    image.thumbnail((size, size), PIL.Image.Resampling.HAMMING)  # does not overshoot at edges, as Lanczos does
    return _encoded_thumbnail(image)


def map_thumbnail_type(width: int, height: int) -> str:
    """Return the media type that `map_thumbnail` gives a label map of this size, for a `size` above 256."""
    return "image/png" if max(width, height) <= _LOSSLESS_THUMBNAIL else "image/webp"


def _encoded_thumbnail(image: PIL.Image.Image) -> Rendition:
    if max(image.size) <= _LOSSLESS_THUMBNAIL:
        return _encoded(image, "PNG")
    return _encoded(image, "WEBP", quality=82, method=2)


def _encoded(image: PIL.Image.Image, image_format: str, **options: int) -> Rendition:
    file = BytesIO()
    image.save(file, image_format, **options)
    return Rendition(file.getvalue(), f"image/{image_format.lower()}")
