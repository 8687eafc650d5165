"""Decoding of a picture file: pixels for display in 8-bit sRGB, values to be fitted in the depth of the file, valid pixels."""

from dataclasses import dataclass, replace
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
from segmentation.engine.imaging.decoded_bands import DecodedBands, DecodedFile, select_bands
from segmentation.engine.imaging.display_and_data import display_and_data
from segmentation.engine.imaging.formats import extension_notices
from segmentation.engine.imaging.georeference import Georeference
from segmentation.engine.imaging.layout import Layout, NoData
from segmentation.engine.imaging.notices import Notice
from segmentation.engine.imaging.pillow_reader import read_with_pillow
from segmentation.engine.imaging.pixel_size import PixelSize
from segmentation.engine.recipe import Alpha, Reading, Selection

PIL.AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # a child process with a memory limit has one thread

_REDUCED_BY_CODEC = {"AVIF", "HEIF"}  # to 8 bits, from the full range of the format: their values are meant for screens


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """A decoded picture, upright; its arrays are C-contiguous.

    `data` has one band for grey pictures and is `pixels` itself for colours of 8 bits. With more than 8 bits or another number
    of bands it has the values of the file, to which no colour profile is applied: LittleCMS converts 8 bits only. Translucent
    pixels are blended with white in both arrays, except in TIFF, where alpha only says which pixels have data.
    """

    pixels: NDArray[np.uint8]  # (H, W, 3) sRGB, for display
    data: NDArray[np.generic]  # (H, W, B), integers, floats or bool in up to 16 bands, to be fitted
    valid: NDArray[np.bool_] | None  # (H, W), False where there are no data; None when all pixels are valid
    header: Header  # as stored in the file
    notices: tuple[Notice, ...]
    metadata: dict[str, Any]
    layout: Layout
    no_data: NoData | None  # None when all pixels are valid
    pixel_size: PixelSize | None = None
    pixel_size_suggested: PixelSize | None = None  # by a resolution, which often is that of a screen or a printer
    georeference: Georeference | None = None


def decode(
    data: bytes,
    *,
    name: str,
    limits: Limits,
    reading: Reading = Reading(),  # noqa: B008 - frozen
    on_header: OnHeader = ignore_header,
) -> Picture:
    """Decode a picture file completely.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Name of the file; a known extension of another format gives a notice.
    limits : Limits
        Checked before anything is decoded.
    reading : Reading
        What a person decided about the reading of the file.
    on_header : callable
        Called with the header of an admitted file before it is decoded.

    Raises
    ------
    Refusal
        With the codes of `admit`; `corrupt` also for damage that shows while decoding, and `invalid_request` for a plane or
        channel that the file does not have.
    MemoryError
        When the picture needs more memory than there is.
    """
    header = admit(data, limits=limits, selection=reading.selection)
    on_header(header)
    return refuse_damaged(lambda: _decode(data, header, reading, extension_notices(name, header.format)))


def _decode(data: bytes, header: Header, reading: Reading, notices: list[Notice]) -> Picture:
    notices = notices + _notices_of_frames(header, reading)
    if header.format in _REDUCED_BY_CODEC and header.dtype != "uint8":
        notices.append(Notice("bits_reduced"))
    decoded = _read(data, header, reading)
    calibrated = _calibration(decoded)
    layout = decoded.layout or _layout_of_one_plane(header, reading)
    bands = _selected(decoded.bands, layout, reading)
    arrays = display_and_data(bands, reading.no_data)
    pixels, fitted, valid = arrays.pixels, arrays.data, arrays.valid
    notices += decoded.notices + arrays.notices
    is_shared = fitted is pixels
    if decoded.profile is not None:
        pixels, notice = _with_profile_applied(pixels, bands, decoded.profile, is_fitted=is_shared)
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
        layout=layout,
        no_data=arrays.no_data,
        pixel_size=calibrated.pixel_size,
        pixel_size_suggested=calibrated.pixel_size_suggested,
        georeference=calibrated.georeference,
    )


def _notices_of_frames(header: Header, reading: Reading) -> list[Notice]:
    """Return a notice when the file has further planes."""
    if header.frames == 1:
        return []
    is_first = replace(reading.selection, channels=None) == Selection()
    return [Notice("first_frame" if is_first else "selected_frame", {"frames": header.frames})]


def _layout_of_one_plane(header: Header, reading: Reading) -> Layout:
    is_grey = header.bands == 1
    return Layout(
        selection=reading.selection,
        axes="YX" if is_grey else "YXS",
        shape=(header.height, header.width) if is_grey else (header.height, header.width, header.bands),
        pictures=header.frames,
    )


def _selected(bands: DecodedBands, layout: Layout, reading: Reading) -> DecodedBands:
    """Return the selected bands, with alpha among them if it is data; the TIFF reader has selected channels that are pages."""
    channels = reading.selection.channels
    if reading.alpha is Alpha.DATA and bands.alpha is not None:
        bands = replace(bands, values=np.dstack([bands.values, bands.alpha]), alpha=None)
    return bands if channels is None or "C" in layout.axes else select_bands(bands, channels)


def _read(data: bytes, header: Header, reading: Reading) -> DecodedFile:
    """Decode a file with the reader that keeps its depth and bands."""
    from segmentation.engine.imaging import png_reader, tiff_reader  # noqa: PLC0415 - a web process must not load their codecs

    if header.format == "PNG" and png_depth(data) == 16:
        return png_reader.read_16_bit_png(data)
    if header.format == "TIFF":
        return tiff_reader.read_tiff(data, header, reading)
    if header.format in {"JPEG2000", "JXL", "DICOM"}:
        return _read_with_own_codec(data, header, reading)
    return read_with_pillow(data, header, picture=reading.selection.series)


def _read_with_own_codec(data: bytes, header: Header, reading: Reading) -> DecodedFile:
    from segmentation.engine.imaging import dicom_reader, imagecodecs_reader  # noqa: PLC0415 - as in `_read`

    if header.format == "DICOM":
        return dicom_reader.read_dicom(data, reading.selection.series)
    read = {"JPEG2000": imagecodecs_reader.read_jpeg_2000, "JXL": imagecodecs_reader.read_jpeg_xl}
    return read[header.format](data)


def _calibration(decoded: DecodedFile) -> Calibration:
    """Return the size and the place of the pixels of the upright picture."""
    return decoded.calibration or calibration.from_metadata(decoded.metadata).upright(decoded.orientation)


def _with_profile_applied(
    pixels: NDArray[np.uint8], bands: DecodedBands, profile: bytes, *, is_fitted: bool
) -> tuple[NDArray[np.uint8], Notice | None]:
    """Return the displayed pixels converted from the profile of the file to sRGB, and a notice of it."""
    is_grey = bands.displayed.shape[2] == 1
    image = PIL.Image.fromarray(np.ascontiguousarray(pixels[:, :, 0]) if is_grey else pixels)
    converted, notice = profiles.to_srgb(image, profile)
    if notice is not None and notice.code == "profile_converted" and not is_fitted:
        notice = Notice("profile_shown", notice.values)
    return (pixels if converted is image else np.asarray(converted)), notice
