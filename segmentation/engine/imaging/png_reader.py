"""Reader of PNG with 16 bits a value, which Pillow would reduce to 8 bits."""

from io import BytesIO

import imagecodecs
import numpy as np
import PIL.Image

from segmentation.engine.imaging import metadata, orientation
from segmentation.engine.imaging.decoded_bands import DecodedBands, DecodedFile


def read_16_bit_png(data: bytes) -> DecodedFile:
    """Decode a PNG file of 16 bits a value; any exception of the codec passes through."""
    with PIL.Image.open(BytesIO(data), formats=["PNG"]) as image:
        stored_orientation, profile = orientation.read_orientation(image), image.info.get("icc_profile")
        file_metadata = metadata.from_image(image)
    pixels = np.asarray(imagecodecs.png_decode(data))
    pixels = pixels if pixels.ndim == 3 else pixels[:, :, None]
    n_colours = 1 if pixels.shape[2] <= 2 else 3
    colour = pixels[:, :, :n_colours]
    alpha = pixels[:, :, n_colours] if pixels.shape[2] > n_colours else None  # also of a single transparent colour
    bands = DecodedBands(values=colour, alpha=alpha, white=65_535.0 if n_colours == 3 else None)
    return DecodedFile(bands=bands, orientation=stored_orientation, profile=profile, metadata=file_metadata)
