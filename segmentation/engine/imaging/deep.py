"""PNG of 16 bits, and TIFF of any depth and number of bands: what Pillow would cut to 8 bits."""

from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
import PIL.Image
import tifffile
from numpy.typing import NDArray

from segmentation.engine.exceptions import Refusal, gettext_noop
from segmentation.engine.imaging import metadata, orientation
from segmentation.engine.imaging.eight_bits import Decoded
from segmentation.engine.imaging.notices import Notice
from segmentation.engine.imaging.planes import Planes, inverted, largest, stretches

_GREY_SPACES = {tifffile.PHOTOMETRIC.MINISWHITE, tifffile.PHOTOMETRIC.MINISBLACK}
_ORIENTATION_TAG = 274
_PROFILE_TAG = 34675
_RESOLUTION_TAG, _RESOLUTION_UNIT_TAG = 282, 296
_INCH, _CENTIMETRE = 2, 3
_ASSOCIATED, _UNASSOCIATED = 1, 2  # kinds of alpha among the extra samples of a TIFF


def read_deep_png(data: bytes) -> Decoded:
    """Decode a PNG of 16 bits a value; raises whatever a codec raises."""
    with PIL.Image.open(BytesIO(data), formats=["PNG"]) as image:
        turned, profile, described = orientation.stored(image), image.info.get("icc_profile"), metadata.describe(image)
    pixels = np.asarray(imagecodecs.png_decode(data))
    pixels = pixels if pixels.ndim == 3 else pixels[:, :, None]
    n_colours = 1 if pixels.shape[2] <= 2 else 3
    colour = pixels[:, :, :n_colours]
    alpha = pixels[:, :, n_colours] if pixels.shape[2] > n_colours else None  # also of a single transparent colour
    planes = Planes(bands=colour, alpha=alpha)
    return Decoded(planes=planes, orientation=turned, profile=profile, metadata=described)


def read_deep_tiff(data: bytes) -> Decoded:
    """Decode the first page of a TIFF in its own depth; raises whatever a codec raises.

    Raises
    ------
    Refusal
        With `unsupported_format` for colour spaces that nobody uses with such values.
    """
    with tifffile.TiffFile(BytesIO(data)) as file:
        page: Any = file.pages.first
        pixels = page.asarray(maxworkers=1)  # no threads in a child
        pixels = pixels.reshape(page.shape)
        if "S" in page.axes:
            pixels = np.moveaxis(pixels, page.axes.index("S"), -1)
        pixels = pixels.reshape(page.imagelength, page.imagewidth, page.samplesperpixel)
        planes, notices = _planes(page, pixels)
        turned = page.tags.valueof(_ORIENTATION_TAG, default=orientation.UPRIGHT)
        profile = page.tags.valueof(_PROFILE_TAG)
        described = metadata.described(page.tags.valueof, _dots_per_inch(page))
    return Decoded(
        planes=planes,
        orientation=turned if turned in range(1, 9) else orientation.UPRIGHT,
        profile=profile if isinstance(profile, bytes) else None,
        notices=notices,
        metadata=described,
    )


def _dots_per_inch(page: Any) -> tuple[float, float] | None:
    """Resolution across and down; None when the file has none, or only an aspect ratio."""
    unit = page.tags.valueof(_RESOLUTION_UNIT_TAG, default=_INCH)
    if _RESOLUTION_TAG not in page.tags or unit not in {_INCH, _CENTIMETRE}:
        return None
    across, down = page.get_resolution("inch")
    return float(across), float(down)


def _planes(page: Any, pixels: NDArray[np.generic]) -> tuple[Planes, list[Notice]]:
    if page.photometric == tifffile.PHOTOMETRIC.PALETTE:
        colour = (np.asarray(page.colormap).T[pixels[:, :, 0]] >> 8).astype(np.uint8)
        return Planes(bands=colour, alpha=None), [Notice("palette_applied")]
    if page.photometric == tifffile.PHOTOMETRIC.SEPARATED and pixels.dtype in (np.uint8, np.uint16):
        inks = (pixels[:, :, :4] >> (8 * pixels.dtype.itemsize - 8)).astype(np.uint8)  # type: ignore[operator]  # whole
        colour = np.asarray(PIL.Image.fromarray(np.ascontiguousarray(inks), "CMYK").convert("RGB"))
        return Planes(bands=colour, alpha=None), [Notice("cmyk_converted")]
    if page.photometric not in {*_GREY_SPACES, tifffile.PHOTOMETRIC.RGB}:
        raise Refusal("unsupported_format", gettext_noop("Its colour space is not known here. Save it as RGB or grey."))
    return _bands(page, pixels)


def _bands(page: Any, pixels: NDArray[np.generic]) -> tuple[Planes, list[Notice]]:
    """All bands, and alpha if there is one."""
    extra = [int(kind) for kind in page.extrasamples]
    n_colours = pixels.shape[2] - len(extra)
    kinds = {kind: n_colours + place for place, kind in reversed(list(enumerate(extra)))}
    place = kinds.get(_UNASSOCIATED, kinds.get(_ASSOCIATED))
    bands = pixels if place is None else np.delete(pixels, place, axis=2)
    alpha = None if place is None else pixels[:, :, place]
    if alpha is not None and _UNASSOCIATED not in kinds:
        bands = _divided(bands, alpha)
    notices = []
    if bands.shape[2] > 3:
        notices.append(Notice("bands_ignored", {"bands": pixels.shape[2]}))
    elif bands.shape[2] == 2:
        notices.append(Notice("extra_band_ignored"))
    if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        bands = inverted(bands)
        notices.append(Notice("inverted"))
    return Planes(bands=bands, alpha=alpha), notices


def _divided(colour: NDArray[np.generic], alpha: NDArray[np.generic]) -> NDArray[np.generic]:
    """Colours (H, W, C) that were multiplied by their alpha (H, W), as they were before."""
    opaque = largest(alpha.dtype)
    result = np.empty_like(colour)
    for rows in stretches(colour):
        weight = alpha[rows, :, None].astype(np.float64)
        plain = (colour[rows].astype(np.float64) * opaque / np.where(weight == 0, opaque, weight)).clip(0, opaque)
        result[rows] = plain if colour.dtype.kind == "f" else np.rint(plain)
    return result
