"""Pictures for browsers, made again from pixels: nothing of the uploaded file but what can be seen."""

from dataclasses import dataclass
from io import BytesIO

import numpy as np
import PIL.Image
from numpy.typing import NDArray

_LOSSLESS_BELOW = 1_000_000  # pixels; larger ones are JPEG
_LONGEST_JPEG = 65_500
_SMALL = 256  # pixels of a side; so small thumbnails keep every pixel


@dataclass(frozen=True, slots=True)
class Rendition:
    """An encoded picture."""

    data: bytes
    content_type: str


def display(pixels: NDArray[np.uint8]) -> Rendition:
    """A picture (H, W, 3) in full resolution: JPEG at 90, below 1 megapixel PNG."""
    height, width = pixels.shape[:2]
    image = PIL.Image.fromarray(pixels)
    if width * height < _LOSSLESS_BELOW or max(width, height) > _LONGEST_JPEG:
        return _encoded(image, "PNG", compress_level=3)
    return _encoded(image, "JPEG", quality=90, subsampling=0)  # thin coloured structures keep their colour


def thumbnail(pixels: NDArray[np.uint8], *, size: int) -> Rendition:
    """A picture (H, W, 3) of at most `size` pixels a side; never enlarged."""
    image = PIL.Image.fromarray(pixels)
    image.thumbnail((size, size), PIL.Image.Resampling.LANCZOS, reducing_gap=3.0)
    return _small(image)


def map_thumbnail(labels: NDArray[np.uint8], palette: NDArray[np.uint8], *, size: int) -> Rendition:
    """A label map (H, W) in the colours of its values, (256, 3) or (256, 4) with alpha, likewise.

    Areas of one colour have no detail to sharpen.
    """
    mode = "RGBA" if palette.shape[1] == 4 else "RGB"
    image = PIL.Image.frombytes("P", labels.shape[::-1], labels.tobytes())
    image.putpalette(palette.tobytes(), mode)
    image = image.convert(mode)
    image.thumbnail((size, size), PIL.Image.Resampling.HAMMING)
    return _small(image)


def map_thumbnail_type(width: int, height: int) -> str:
    """Return the media type that `map_thumbnail` gives a label map of this size; `size` is more than `_SMALL`."""
    return "image/png" if max(width, height) <= _SMALL else "image/webp"


def _small(image: PIL.Image.Image) -> Rendition:
    if max(image.size) <= _SMALL:
        return _encoded(image, "PNG")
    return _encoded(image, "WEBP", quality=82, method=2)


def _encoded(image: PIL.Image.Image, image_format: str, **options: int) -> Rendition:
    file = BytesIO()
    image.save(file, image_format, **options)
    return Rendition(file.getvalue(), f"image/{image_format.lower()}")
