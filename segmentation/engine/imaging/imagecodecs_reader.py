"""Readers of JPEG 2000 and JPEG XL in their own depth, with imagecodecs: Pillow makes 8 bits of deep JPEG 2000."""

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from segmentation.engine.exceptions import Refusal, gettext_noop
from segmentation.engine.imaging import calibration, jpeg2000, jpegxl, orientation
from segmentation.engine.imaging.calibration import Calibration
from segmentation.engine.imaging.decoded_bands import DecodedBands, DecodedFile
from segmentation.engine.imaging.metadata import SCHEMA
from segmentation.engine.imaging.notices import Notice
from segmentation.engine.imaging.tiff_layout import open_tiff

_SYCC = 18  # enumerated colour spaces of JPEG 2000
_CMYK, _LAB = 12, 14


def read_jpeg_2000(data: bytes) -> DecodedFile:
    """Decode a JPEG 2000 file; any exception of the codec passes through.

    Raises
    ------
    Refusal
        With `unsupported_format` for colour spaces other than grey, RGB and YCC.
    """
    header = jpeg2000.read_header(data)
    if header.space in {_CMYK, _LAB}:
        raise Refusal("unsupported_format", gettext_noop("Its colour space is not known here. Save it as RGB or grey."))
    is_whole = header.has_palette or header.space == _SYCC
    # Without its boxes, the codec leaves profiles to us.
    values = imagecodecs.jpeg2k_decode(data if is_whole else data[header.codestream :], numthreads=1)
    values = values if values.ndim == 3 else values[:, :, None]
    notices = [Notice("palette_applied")] if header.has_palette else []
    bands = _split(values, header.alpha, is_multiplied=header.is_multiplied, bits=header.bits, is_integer=True)
    place = None if header.geotiff is None else _place(header.geotiff)
    return DecodedFile(
        bands=bands,
        orientation=orientation.UPRIGHT,
        profile=header.profile,
        notices=notices + _notices(bands),
        metadata={"schema": SCHEMA},
        calibration=place,
    )


def read_jpeg_xl(data: bytes) -> DecodedFile:
    """Decode the first frame of a JPEG XL file, upright; any exception of the codec passes through."""
    header = jpegxl.read_header(data)
    values = imagecodecs.jpegxl_decode(data, index=0, numthreads=1)
    if (
        values.ndim == 3 and header.colours == 1 and not header.has_alpha
    ):  # the codec returns further channels as planes
        values = np.moveaxis(values, 0, -1)
    values = values if values.ndim == 3 else values[:, :, None]
    alpha = header.colours if header.has_alpha else None
    bands = _split(
        values, alpha, is_multiplied=header.is_multiplied, bits=header.bits, is_integer=values.dtype.kind != "f"
    )
    notices = [Notice("animation")] if header.is_animated else []
    notices += [Notice("orientation_applied")] if header.orientation != orientation.UPRIGHT else []
    notices += [] if header.is_srgb else [Notice("profile_ignored")]
    left_out = header.colours + len(header.extra) - values.shape[2]
    notices += [Notice("channels_left_out", {"channels": left_out})] if left_out else []
    return DecodedFile(
        bands=bands,
        orientation=orientation.UPRIGHT,
        profile=None,
        notices=notices + _notices(bands),
        metadata={"schema": SCHEMA},
    )


def _split(
    values: NDArray[np.generic], alpha_band: int | None, *, is_multiplied: bool, bits: int, is_integer: bool
) -> DecodedBands:
    """Return values with alpha apart, which then has the range of its dtype, and fewer than 8 bits spread over 8."""
    if is_integer and bits < 8 and values.dtype == np.uint8:
        table = np.rint(np.arange(256).clip(0, 2**bits - 1) * (255 / (2**bits - 1))).astype(np.uint8)
        values, bits = table[values], 8
    if alpha_band is None:
        return DecodedBands(values=values, alpha=None, white=_white(values, bits))
    alpha = values[:, :, alpha_band]
    if is_integer and 8 < bits < 16:
        alpha = np.rint(alpha.astype(np.float64) * (65535 / (2**bits - 1))).astype(np.uint16)
    if is_multiplied:
        raise Refusal(
            "unsupported_format",
            gettext_noop("Its colours were multiplied by their transparency. Save it as PNG, which keeps them apart."),
        )
    colour = np.delete(values, alpha_band, axis=2)
    return DecodedBands(values=colour, alpha=alpha, white=_white(colour, bits))


def _white(values: NDArray[np.generic], bits: int) -> float | None:
    """Return the value that is displayed as white: of photographs the largest of their depth."""
    return 2.0**bits - 1 if values.shape[2] == 3 and values.dtype == np.uint16 else None


def _notices(bands: DecodedBands) -> list[Notice]:
    n_bands = bands.values.shape[2]
    if n_bands > 3:
        return [Notice("bands_ignored", {"bands": n_bands})]
    return [Notice("extra_band_ignored")] if n_bands == 2 else []


def _place(geotiff: bytes) -> Calibration:
    """Return the calibration of a TIFF of one pixel that describes another picture: its resolution says nothing."""
    with open_tiff(geotiff) as file:
        place = calibration.from_tiff(file, file.pages.first, 0)
    return Calibration(pixel_size=place.pixel_size, georeference=place.georeference, notices=place.notices)
