"""Decoding of a picture file: pixels for display in 8-bit sRGB, values to be fitted in the depth of the file, valid pixels."""

from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import PIL.AvifImagePlugin
import PIL.Image
from numpy.typing import NDArray

from segmentation.engine.imaging import calibration, orientation, profiles
from segmentation.engine.imaging.admission import (
    Header,
    Limits,
    OnHeader,
    admit,
    ignore_header,
    png_depth,
    refuse_damaged,
)
from segmentation.engine.imaging.calibration import Calibration
from segmentation.engine.imaging.decoded_bands import DecodedFile
from segmentation.engine.imaging.display_and_data import display_and_data
from segmentation.engine.imaging.formats import extension_notices
from segmentation.engine.imaging.georeference import Georeference
from segmentation.engine.imaging.notices import Notice
from segmentation.engine.imaging.pillow_reader import read_with_pillow
from segmentation.engine.imaging.pixel_size import PixelSize

PIL.AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # a child process with a memory limit has one thread

_REDUCED_BY_CODEC = {"AVIF", "HEIF"}  # to 8 bits, from the full range of the format: their values are meant for screens


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """A decoded picture, upright; its arrays are C-contiguous.

    `data` has one band for grey pictures and is `pixels` itself for colours of 8 bits. With more than 8 bits or another number
    of bands it has the values of the file, to which no colour profile is applied: LittleCMS converts 8 bits only. Translucent
    pixels are blended with white in both arrays.
    """

    pixels: NDArray[np.uint8]  # (H, W, 3) sRGB, for display
    data: NDArray[np.generic]  # (H, W, B), integers, floats or bool in up to 16 bands, to be fitted
    valid: NDArray[np.bool_] | None  # (H, W), False for transparent pixels, NaN and infinity; None when all are valid
    header: Header  # as stored in the file
    notices: tuple[Notice, ...]
    metadata: dict[str, Any]
    pixel_size: PixelSize | None = None
    pixel_size_suggested: PixelSize | None = None  # by a resolution, which often is that of a screen or a printer
    georeference: Georeference | None = None


def decode(data: bytes, *, name: str, limits: Limits, on_header: OnHeader = ignore_header) -> Picture:
    """Decode a picture file completely.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Name of the file; a known extension of another format gives a notice.
    limits : Limits
        Checked before anything is decoded.
    on_header : callable
        Called with the header of an admitted file before it is decoded.

    Raises
    ------
    Refusal
        With the codes of `admit`; `corrupt` also for damage that shows while decoding.
    MemoryError
        When the picture needs more memory than there is.
    """
    header = admit(data, limits=limits)
    on_header(header)
    return refuse_damaged(lambda: _decode(data, header, extension_notices(name, header.format)))


def _decode(data: bytes, header: Header, notices: list[Notice]) -> Picture:
    notices = [*notices, Notice("first_frame", {"frames": header.frames})] if header.frames > 1 else notices
    if header.format in _REDUCED_BY_CODEC and header.dtype != "uint8":
        notices.append(Notice("bits_reduced"))
    decoded = _read(data, header)
    calibrated = _calibration(data, header, decoded)
    arrays = display_and_data(decoded.bands)
    pixels, fitted, valid = arrays.pixels, arrays.data, arrays.valid
    notices += decoded.notices + arrays.notices
    is_shared = fitted is pixels
    if decoded.profile is not None:
        pixels, notice = _with_profile_applied(pixels, decoded, is_fitted=is_shared)
        notices += [notice] if notice else []
    if decoded.orientation != orientation.UPRIGHT:
        notices.append(Notice("orientation_applied"))
        pixels = orientation.to_upright(pixels, decoded.orientation)
        fitted = pixels if is_shared else orientation.to_upright(fitted, decoded.orientation)
        valid = None if valid is None else orientation.to_upright(valid, decoded.orientation)
    return Picture(
        pixels=pixels,
        data=pixels if is_shared else fitted,
        valid=valid,
        header=header,
        notices=(*notices, *calibrated.notices),
        metadata=decoded.metadata,
        pixel_size=calibrated.pixel_size,
        pixel_size_suggested=calibrated.pixel_size_suggested,
        georeference=calibrated.georeference,
    )


def _read(data: bytes, header: Header) -> DecodedFile:
    """Decode a file with the reader that keeps its depth and bands."""
    from segmentation.engine.imaging import high_bit_depth  # noqa: PLC0415 - a web process must not load its codecs

    if header.format == "PNG" and png_depth(data) == 16:
        return high_bit_depth.read_16_bit_png(data)
    if header.format == "TIFF" and not (header.dtype in {"uint8", "bool"} and _can_pillow_read(data, header.bands)):
        return high_bit_depth.read_tiff(data)
    if header.format in {"JPEG2000", "JXL", "DICOM"}:
        return _read_with_own_codec(data, header)
    return read_with_pillow(data, header)


def _read_with_own_codec(data: bytes, header: Header) -> DecodedFile:
    from segmentation.engine.imaging import dicom_reader, imagecodecs_reader  # noqa: PLC0415 - as in `_read`

    readers = {
        "JPEG2000": imagecodecs_reader.read_jpeg_2000,
        "JXL": imagecodecs_reader.read_jpeg_xl,
        "DICOM": dicom_reader.read_dicom,
    }
    return readers[header.format](data)


def _calibration(data: bytes, header: Header, decoded: DecodedFile) -> Calibration:
    """Return the size and the place of the pixels of the upright picture."""
    if header.format == "TIFF":
        return calibration.from_tiff(data)
    found = decoded.calibration or calibration.from_metadata(decoded.metadata)
    return found.upright(decoded.orientation)


def _can_pillow_read(data: bytes, bands: int) -> bool:
    """Return whether Pillow reads all bands of a TIFF file of 8 bits or 1 bit a value.

    Pillow reads more compressions and colour spaces than `high_bit_depth.read_tiff`, but skips bands that are neither colour
    nor alpha.
    """
    try:
        with PIL.Image.open(BytesIO(data), formats=["TIFF"]) as image:
            has_all_bands = len(image.getbands()) >= bands
            return has_all_bands and image.info.get("compression") != "webp"  # its libtiff is built without WebP
    except PIL.UnidentifiedImageError:
        return False


def _with_profile_applied(
    pixels: NDArray[np.uint8], decoded: DecodedFile, *, is_fitted: bool
) -> tuple[NDArray[np.uint8], Notice | None]:
    """Return the displayed pixels converted from the profile of the file to sRGB, and a notice of it."""
    is_grey = decoded.bands.displayed.shape[2] == 1
    image = PIL.Image.fromarray(np.ascontiguousarray(pixels[:, :, 0]) if is_grey else pixels)
    converted, notice = profiles.to_srgb(image, decoded.profile or b"")
    if notice is not None and notice.code == "profile_converted" and not is_fitted:
        notice = Notice("profile_shown", notice.values)
    return (pixels if converted is image else np.asarray(converted)), notice
