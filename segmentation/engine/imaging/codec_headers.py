"""Headers of the formats that neither Pillow nor tifffile reads here: JPEG 2000, JPEG XL and DICOM."""

from collections.abc import Callable, Mapping
from typing import Any

from segmentation.engine.exceptions import Refusal, gettext_noop
from segmentation.engine.imaging import dicom, jpeg2000, jpegxl

_JPEG_2000_BITS = 32  # that the decoder returns at most
_FLOAT_BITS = {16, 32}


def _read_jpeg_2000(data: bytes) -> dict[str, Any]:
    header = jpeg2000.read_header(data)
    if header.bits > _JPEG_2000_BITS or not header.is_even:
        raise Refusal(
            "unsupported_format",
            gettext_noop("Its bands have different depths, or more than 32 bits. Save it with one depth."),
        )
    return {"width": header.width, "height": header.height, "bands": header.bands, "dtype": header.dtype, "frames": 1}


def _read_jpeg_xl(data: bytes) -> dict[str, Any]:
    header = jpegxl.read_header(data)
    if header.is_float and header.bits not in _FLOAT_BITS:
        raise Refusal(
            "unsupported_format",
            gettext_noop("Its values have an unusual number of bits. Save it with 16 or 32 bits."),
        )
    return {"width": header.width, "height": header.height, "bands": header.bands, "dtype": header.dtype, "frames": 1}


def _read_dicom(data: bytes) -> dict[str, Any]:
    header = dicom.read_header(data)
    return {
        "width": header.width,
        "height": header.height,
        "bands": header.samples,
        "dtype": header.dtype,
        "frames": header.frames,
    }


READERS: Mapping[str, Callable[[bytes], dict[str, Any]]] = {
    "JPEG2000": _read_jpeg_2000,
    "JXL": _read_jpeg_xl,
    "DICOM": _read_dicom,
}
"""By format: what returns the fields of the header of a file except its format."""
