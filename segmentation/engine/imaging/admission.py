"""Decision whether a file may be decoded, made from its first bytes and its header.

Checked in this order: empty file, size of the file, format by content, number of parts, pixels, bands, bytes in memory. Each check that fails has a code and a sentence that says what to do.
"""

import logging
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import TypeVar

import numpy as np
import PIL.Image

from segmentation.engine.exceptions import Refusal, SegmentationError, gettext_noop
from segmentation.engine.imaging import codec_headers, heif_boxes
from segmentation.engine.imaging.formats import detect_format
from segmentation.engine.imaging.structure import require_few_parts
from segmentation.engine.recipe import Selection

T = TypeVar("T")

MAX_BANDS = 16
_RAW_SIGNATURES = (b"II*\x00\x10\x00\x00\x00CR", b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\x00")
_UNSUPPORTED = re.compile(
    r"not (?:yet )?(?:supported|implemented|available)|not a known|unsupported|unknown compression", re.IGNORECASE
)
_PNG_BANDS = {0: 1, 2: 3, 4: 2, 6: 4}  # by colour type, where the depth can be 16

PIL.Image.MAX_IMAGE_PIXELS = None  # `admit` refuses large pictures, with a sentence of its own
logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # refusals and notices say what matters to people


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits for files that may be decoded."""

    bytes: int  # of the file
    pixels: int
    decoded_bytes: int  # width x height x bands x bytes a value
    heic: bool = True  # whether HEIC is accepted; if not, its codec is never loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Properties of a picture as stored in its file, before orientation and conversion."""

    format: str  # a member of `FORMATS`
    width: int
    height: int
    bands: int  # values a pixel, with alpha
    dtype: str  # NumPy's name for the type of one value
    frames: int  # planes in the file: pictures, at every depth and time


OnHeader = Callable[[Header], None]
"""Called with the header of a file before the file is decoded."""


def admit(
    data: bytes,
    *,
    limits: Limits,
    selection: Selection = Selection(),  # noqa: B008 - frozen
) -> Header:
    """Read the header of a file and decide whether it may be decoded.

    Parameters
    ----------
    data : bytes
        The file.
    limits : Limits
    selection : Selection
        The picture, plane and channels that are to be decoded.

    Raises
    ------
    Refusal
        With `empty`, `too_large`, `unsupported_format`, `decode_timeout`, `too_many_pixels`, `too_many_bands`, `corrupt` or
        `invalid_request`.
    """
    _require_size(len(data), limits)
    if data.startswith(_RAW_SIGNATURES) or data[4:12] == b"ftypcrx ":
        raise camera_raw()
    image_format = detect_format(data)
    if image_format is None:
        raise Refusal(
            "unsupported_format",
            gettext_noop(
                "It is not a picture in a known format. PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF, HEIC, JPEG 2000, JPEG XL and "
                "DICOM are taken."
            )
            if limits.heic
            else gettext_noop(
                "It is not a picture in a known format. PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF, JPEG 2000, JPEG XL and DICOM "
                "are taken."
            ),
        )
    if image_format == "HEIF" and not limits.heic:
        raise Refusal(
            "unsupported_format",
            gettext_noop("This site does not take HEIC. Save it as JPEG or PNG and try again."),
        )
    require_few_parts(data, image_format)
    header = refuse_damaged(lambda: _read_header(data, image_format, selection))
    _require_within_limits(header, limits)
    return header


def refuse_damaged(read: Callable[[], T]) -> T:
    """Return the result of `read`, with exceptions of codecs replaced by a refusal of the file.

    Raises
    ------
    Refusal
        With `unsupported_format` where a codec says that it lacks something, and `corrupt` for all its other exceptions; an
        own `SegmentationError` of `read` passes through.
    MemoryError
        Passes through: the file may be good.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # codecs warn of faults that they can handle
            return read()
    except (SegmentationError, MemoryError):
        raise
    except Exception as error:  # codecs raise exceptions of nearly any type for a damaged file
        if _says_unsupported(error):
            raise Refusal(
                "unsupported_format",
                gettext_noop("It is stored in a way that is not supported here. Save it as PNG, or as TIFF with LZW."),
            ) from error
        raise Refusal(
            "corrupt",
            gettext_noop("It is damaged or incomplete. Save it again with another program and try once more."),
        ) from error


def _says_unsupported(error: Exception) -> bool:
    """Return whether a codec lacks what a file needs, by the type or the words of its exception."""
    is_missing_codec = type(error).__name__ == "DelayedImportError"  # of imagecodecs, which is not loaded here
    return is_missing_codec or isinstance(error, NotImplementedError) or bool(_UNSUPPORTED.search(str(error)[:1000]))


def camera_raw() -> Refusal:
    """Return the refusal of a camera raw file."""
    return Refusal(
        "unsupported_format",
        gettext_noop(
            "It is a camera raw file, which must be developed first. Export it as a 16-bit TIFF and upload that."
        ),
    )


def load_heif_codec() -> None:
    """Register the HEIC codec with Pillow: main picture only, without thumbnails, depth and auxiliary images, in one thread.

    Called for the first file whose boxes have passed `heif_boxes`, or before the first file by a decoder that accepts HEIC.
    """
    import pillow_heif  # noqa: PLC0415 - a site that does not accept HEIC need not have it installed

    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)


def png_depth(data: bytes) -> int:
    """Return the bits of a value of a PNG file, from its header."""
    return data[24]


def _read_header(data: bytes, image_format: str, selection: Selection) -> Header:
    if image_format == "TIFF":
        return _read_tiff_header(data, selection)
    if image_format in codec_headers.READERS:
        header = Header(format=image_format, **codec_headers.READERS[image_format](data))
        _require_picture(selection, header.frames)
        return header
    if image_format == "HEIF":
        heif_boxes.require_photograph(data)
        load_heif_codec()
    with PIL.Image.open(BytesIO(data), formats=[image_format]) as image:
        width, height = image.size
        bands, dtype = len(image.getbands()), "bool" if image.mode == "1" else "uint8"
        if image_format == "PNG" and png_depth(data) == 16:
            bands, dtype = _PNG_BANDS[data[25]], "uint16"
        elif _has_more_than_eight_bits(image, image_format, data):
            dtype = "uint16"
        frames = int(getattr(image, "n_frames", 1))
        _require_picture(selection, frames)
    return Header(format=image_format, width=width, height=height, bands=bands, dtype=dtype, frames=frames)


def _require_picture(selection: Selection, frames: int) -> None:
    if selection.series >= frames:
        raise Refusal(
            "invalid_request",
            gettext_noop("The file has %(count)s pictures: choose from 1 to %(count)s."),
            count=frames,
            field="series",
        )


def _has_more_than_eight_bits(image: PIL.Image.Image, image_format: str, data: bytes) -> bool:
    """Return whether a HEIF or AVIF file has 10 or 12 bits a value.

    For AVIF, from the flag `high_bitdepth` of the codec configuration box (AV1 in ISO BMFF, version 1.2, section 2.3.3).
    """
    if image_format == "HEIF":
        return int(image.info.get("bit_depth", 8)) > 8
    offset = data.find(b"av1C") if image_format == "AVIF" else -1
    return 0 <= offset < len(data) - 6 and bool(data[offset + 6] & 0x40)


def _read_tiff_header(data: bytes, selection: Selection) -> Header:
    # A web process imports this package for its names, and starts faster without tifffile.
    from segmentation.engine.imaging.tiff_layout import open_tiff, select_plane  # noqa: PLC0415 - see above

    with open_tiff(data) as file:
        plane = select_plane(file, selection)
        page = plane.page
        if page.dtype is None or page.dtype.kind not in "buif":
            raise Refusal(
                "unsupported_format",
                gettext_noop("Its values cannot be shown as a picture. Save it with real numbers."),
            )
        if page.imagedepth > 1:
            raise Refusal(
                "unsupported_format", gettext_noop("It is a volume of several layers. Save one layer as a picture.")
            )
        return Header(
            format="TIFF",
            width=int(page.imagewidth),
            height=int(page.imagelength),
            bands=plane.bands,
            dtype="bool" if page.bitspersample == 1 else page.dtype.name,
            frames=plane.layout.planes,
        )


def decoded_bytes(header: Header) -> int:
    """Return the bytes that the values of a picture take once decoded, in the dtype of its file."""
    return header.width * header.height * header.bands * np.dtype(header.dtype).itemsize


def ignore_header(_header: Header) -> None:
    """Ignore the header."""


def _require_size(size: int, limits: Limits) -> None:
    if size == 0:
        raise Refusal("empty", gettext_noop("The file is empty. Choose another one."))
    if size > limits.bytes:
        raise Refusal(
            "too_large",
            gettext_noop("It is larger than %(limit)s MB, the limit. Save it smaller or compressed."),
            limit=round(limits.bytes / 1e6, 1),
        )


def _require_within_limits(header: Header, limits: Limits) -> None:
    if header.width < 1 or header.height < 1:
        raise Refusal("corrupt", gettext_noop("It has no pixels. Save it again with another program."))
    pixels = header.width * header.height
    if pixels > limits.pixels:
        raise Refusal(
            "too_many_pixels",
            gettext_noop("It has %(megapixels)s megapixels; the limit is %(limit)s. Save it smaller."),
            megapixels=round(pixels / 1e6, 1),
            limit=round(limits.pixels / 1e6, 1),
        )
    if header.bands > MAX_BANDS:
        raise Refusal(
            "too_many_bands",
            gettext_noop("It has %(bands)s bands; the limit is %(limit)s. Save it with fewer."),
            bands=header.bands,
            limit=MAX_BANDS,
        )
    decoded = decoded_bytes(header)
    if decoded > limits.decoded_bytes:
        raise Refusal(
            "too_large",
            gettext_noop(
                "It takes %(size)s MB once decoded; the limit is %(limit)s. Save it smaller or with fewer bits."
            ),
            size=round(decoded / 1e6),
            limit=round(limits.decoded_bytes / 1e6),
        )
