"""Readers of PNG with 16 bits a value, and of TIFF with any depth and number of bands: Pillow would reduce them to 8 bits."""

from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
import PIL.Image
import tifffile
from numpy.typing import NDArray

from segmentation.engine.exceptions import Refusal, gettext_noop
from segmentation.engine.imaging import metadata, orientation
from segmentation.engine.imaging.decoded_bands import DecodedBands, DecodedFile, inverted, largest_value, row_blocks
from segmentation.engine.imaging.notices import Notice

_GREY_SPACES = {tifffile.PHOTOMETRIC.MINISWHITE, tifffile.PHOTOMETRIC.MINISBLACK}
_ORIENTATION_TAG = 274
_PROFILE_TAG = 34675
_RESOLUTION_TAG, _RESOLUTION_UNIT_TAG = 282, 296
_INCH, _CENTIMETRE = 2, 3
_ASSOCIATED, _UNASSOCIATED = 1, 2  # kinds of alpha among the extra samples of a TIFF


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
    bands = DecodedBands(values=colour, alpha=alpha)
    return DecodedFile(bands=bands, orientation=stored_orientation, profile=profile, metadata=file_metadata)


def read_tiff(data: bytes) -> DecodedFile:
    """Decode the first page of a TIFF file without reducing its depth; any exception of the codec passes through.

    Raises
    ------
    Refusal
        With `unsupported_format` for colour spaces other than grey, RGB, palettes, and CMYK of 8 or 16 bits.
    """
    with tifffile.TiffFile(BytesIO(data)) as file:
        page: Any = file.pages.first
        pixels = page.asarray(maxworkers=1)  # no threads in a child process
        pixels = pixels.reshape(page.shape)
        if "S" in page.axes:
            pixels = np.moveaxis(pixels, page.axes.index("S"), -1)
        pixels = pixels.reshape(page.imagelength, page.imagewidth, page.samplesperpixel)
        bands, notices = _bands(page, pixels)
        stored_orientation = page.tags.valueof(_ORIENTATION_TAG, default=orientation.UPRIGHT)
        profile = page.tags.valueof(_PROFILE_TAG)
        file_metadata = metadata.from_tags(page.tags.valueof, _dots_per_inch(page))
    return DecodedFile(
        bands=bands,
        orientation=stored_orientation if stored_orientation in range(1, 9) else orientation.UPRIGHT,
        profile=profile if isinstance(profile, bytes) else None,
        notices=notices,
        metadata=file_metadata,
    )


def _dots_per_inch(page: Any) -> tuple[float, float] | None:
    """Return the horizontal and vertical resolution; None when the file has none, or only an aspect ratio."""
    unit = page.tags.valueof(_RESOLUTION_UNIT_TAG, default=_INCH)
    if _RESOLUTION_TAG not in page.tags or unit not in {_INCH, _CENTIMETRE}:
        return None
    horizontal, vertical = page.get_resolution("inch")
    return float(horizontal), float(vertical)


def _bands(page: Any, pixels: NDArray[np.generic]) -> tuple[DecodedBands, list[Notice]]:
    """Return the bands of a page, with palette and CMYK converted to RGB, and notices of what was converted."""
    if page.photometric == tifffile.PHOTOMETRIC.PALETTE:
        colour = (np.asarray(page.colormap).T[pixels[:, :, 0]] >> 8).astype(np.uint8)
        return DecodedBands(values=colour, alpha=None), [Notice("palette_applied")]
    if page.photometric == tifffile.PHOTOMETRIC.SEPARATED and pixels.dtype in (np.uint8, np.uint16):
        inks = (pixels[:, :, :4] >> (8 * pixels.dtype.itemsize - 8)).astype(np.uint8)  # type: ignore[operator]  # unsigned integers
        colour = np.asarray(PIL.Image.fromarray(np.ascontiguousarray(inks), "CMYK").convert("RGB"))
        return DecodedBands(values=colour, alpha=None), [Notice("cmyk_converted")]
    if page.photometric not in {*_GREY_SPACES, tifffile.PHOTOMETRIC.RGB}:
        raise Refusal("unsupported_format", gettext_noop("Its colour space is not known here. Save it as RGB or grey."))
    return _bands_and_alpha(page, pixels)


def _bands_and_alpha(page: Any, pixels: NDArray[np.generic]) -> tuple[DecodedBands, list[Notice]]:
    """Return all bands of a grey or RGB page (H, W, B), with the alpha channel apart if there is one."""
    extra = [int(kind) for kind in page.extrasamples]
    n_colours = pixels.shape[2] - len(extra)
    first_of_kind = {kind: n_colours + index for index, kind in reversed(list(enumerate(extra)))}
    alpha_band = first_of_kind.get(_UNASSOCIATED, first_of_kind.get(_ASSOCIATED))
    values = pixels if alpha_band is None else np.delete(pixels, alpha_band, axis=2)
    alpha = None if alpha_band is None else pixels[:, :, alpha_band]
    if alpha is not None and _UNASSOCIATED not in first_of_kind:
        values = _without_premultiplication(values, alpha)
    notices = []
    if values.shape[2] > 3:
        notices.append(Notice("bands_ignored", {"bands": pixels.shape[2]}))
    elif values.shape[2] == 2:
        notices.append(Notice("extra_band_ignored"))
    if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        values = inverted(values)
        notices.append(Notice("inverted"))
    return DecodedBands(values=values, alpha=alpha), notices


def _without_premultiplication(colour: NDArray[np.generic], alpha: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return colours (H, W, C) that were stored multiplied by their alpha (H, W), divided by it again."""
    opaque = largest_value(alpha.dtype)
    result = np.empty_like(colour)
    for rows in row_blocks(colour):
        weight = alpha[rows, :, None].astype(np.float64)
        plain = (colour[rows].astype(np.float64) * opaque / np.where(weight == 0, opaque, weight)).clip(0, opaque)
        result[rows] = plain if colour.dtype.kind == "f" else np.rint(plain)
    return result
