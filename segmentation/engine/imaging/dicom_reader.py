"""Reader of one frame of a DICOM file: RLE by pydicom, all other compressions by imagecodecs."""

from collections.abc import Callable
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut

from segmentation.engine.exceptions import Refusal, gettext_noop
from segmentation.engine.imaging import dicom, jpeg2000, jpegxl, orientation
from segmentation.engine.imaging.decoded_bands import DecodedBands, DecodedFile, row_blocks
from segmentation.engine.imaging.dicom import Dicom
from segmentation.engine.imaging.notices import Notice
from segmentation.engine.imaging.structure import require_few_parts

Values = NDArray[Any]

_LARGEST_RLE, _RLE_HEADER = 1.1, 1000  # times the bytes of pixels without runs, and bytes beside them
_STANDALONE = {0x01, *range(0xD0, 0xD9)}  # JPEG markers without a length
_FRAME_HEADERS = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}  # SOF of JPEG, and of JPEG-LS


def read_dicom(data: bytes, frame: int = 0) -> DecodedFile:
    """Decode a frame of a DICOM file; any exception of a codec passes through.

    Raises
    ------
    Refusal
        With `unsupported_format` for colours that are stored as no other file here has them.
    """
    header = dicom.read_header(data)
    values = _frame(header, dicom.read_pixel_data(data), frame)
    notices = [Notice("dicom_private")]
    if header.interpretation == "PALETTE COLOR":
        notices.append(Notice("palette_applied"))
        values = _with_palette(header, values[:, :, 0])
    elif header.samples == 1:
        values = _measured(header, values)
        notices += [Notice("inverted")] if header.interpretation == "MONOCHROME1" else []
    return DecodedFile(
        bands=DecodedBands(values=values, alpha=None),
        orientation=orientation.UPRIGHT,
        profile=None,
        notices=notices,
        metadata=header.metadata,
        calibration=header.calibration,
    )


def _frame(header: Dicom, element: Any, frame: int) -> Values:
    """Return the stored values (H, W, samples) of a frame, colours as RGB."""
    if header.syntax in dicom.NATIVE:
        values = _native(header, element, frame)
        return _from_ybr(values) if header.interpretation == "YBR_FULL" else values
    if header.syntax == dicom.RLE:
        values = _rle(header, element.value, frame)
        return _from_ybr(values) if header.interpretation == "YBR_FULL" else values
    frames = generate_frames(element.value, number_of_frames=header.frames)
    encoded = next(content for index, content in enumerate(frames) if index == frame)
    read = next(reader for syntaxes, reader in _DECODERS if header.syntax in syntaxes)
    values = np.asarray(read(header, encoded))
    values = values if values.ndim == 3 else values[:, :, None]
    if values.shape != (header.height, header.width, header.samples):
        raise ValueError("The frame has another size than the file says.")
    return _stored(header, values)


def _native(header: Dicom, element: Any, frame: int) -> Values:
    if header.interpretation == "YBR_FULL_422":
        raise Refusal(
            "unsupported_format",
            gettext_noop(
                "Its colours are subsampled without a compression, which is not supported here. Save it as PNG."
            ),
        )
    shape = header.height, header.width, header.samples
    count = header.height * header.width * header.samples
    content = element.value
    if header.allocated == 1:
        bits = np.unpackbits(np.frombuffer(content, np.uint8), bitorder="little")
        return bits[frame * count : (frame + 1) * count].reshape(shape).astype(np.bool_)
    order = ">" if header.syntax == dicom.BIG_ENDIAN else "<"
    if order == ">" and header.allocated == 8 and element.VR == "OW":  # bytes stand in words of 16 bits
        content = np.frombuffer(content[: len(content) // 2 * 2], ">u2").astype("<u2").tobytes()
    size = header.allocated // 8
    raw = np.frombuffer(content, f"{order}u{size}", count, frame * count * size).astype(f"=u{size}")
    if header.samples > 1 and header.dataset.get("PlanarConfiguration"):
        return _stored(header, np.moveaxis(raw.reshape(shape[2], *shape[:2]), 0, -1))
    return _stored(header, raw.reshape(shape))


def _rle(header: Dicom, content: bytes, frame: int) -> Values:
    raw = header.height * header.width * header.samples * (header.allocated // 8)
    if len(content) > header.frames * (_LARGEST_RLE * raw + _RLE_HEADER):
        raise ValueError("Its runs are longer than its pixels.")
    described: dict[str, Any] = {
        "rows": header.height,
        "columns": header.width,
        "samples_per_pixel": header.samples,
        "bits_allocated": header.allocated,
        "bits_stored": header.stored,
        "pixel_representation": 0,
        "photometric_interpretation": header.interpretation,
        "planar_configuration": 0,
        "number_of_frames": header.frames,
        "pixel_keyword": "PixelData",
    }
    values, _ = get_decoder(dicom.RLE).as_array(content, index=frame, raw=True, **described)
    values = np.asarray(values)
    return _stored(header, values if values.ndim == 3 else values[:, :, None])


def _jpeg(header: Dicom, encoded: bytes) -> Values:
    require_few_parts(encoded, "JPEG")
    _require_size(header, *_jpeg_size(encoded))
    if header.samples == 1:
        return np.asarray(imagecodecs.jpeg_decode(encoded))
    stored = "RGB" if header.interpretation == "RGB" else "YCBCR"
    return np.asarray(imagecodecs.jpeg_decode(encoded, colorspace=stored, outcolorspace="RGB"))


def _jpeg_ls(header: Dicom, encoded: bytes) -> Values:
    _require_size(header, *_jpeg_size(encoded))
    values = np.asarray(imagecodecs.jpegls_decode(encoded))
    return _from_ybr(values) if header.interpretation.startswith("YBR") else values


def _jpeg_2000(header: Dicom, encoded: bytes) -> Values:
    found = jpeg2000.read_header(encoded)
    require_few_parts(encoded, "JPEG2000")
    _require_size(header, found.width, found.height, found.bands)
    values = np.asarray(imagecodecs.jpeg2k_decode(encoded[found.codestream :], numthreads=1))
    return _from_ybr(values) if header.interpretation.startswith("YBR_FULL") else values


def _jpeg_xl(header: Dicom, encoded: bytes) -> Values:
    found = jpegxl.read_header(encoded)
    _require_size(header, found.width, found.height, found.bands)
    return np.asarray(imagecodecs.jpegxl_decode(encoded, index=0, numthreads=1))


_DECODERS: tuple[tuple[set[str], Callable[[Dicom, bytes], Values]], ...] = (
    (dicom.JPEG, _jpeg),
    (dicom.JPEG_LS, _jpeg_ls),
    (dicom.JPEG_2000, _jpeg_2000),
    (dicom.JPEG_XL, _jpeg_xl),
)


def _jpeg_size(encoded: bytes) -> tuple[int, int, int]:
    """Return width, height and components of a JPEG or JPEG-LS stream (ISO/IEC 10918-1, B.2.2)."""
    place = 2
    while place + 9 < len(encoded) and encoded[place] == 0xFF:
        marker = encoded[place + 1]
        if marker in _FRAME_HEADERS:
            height, width = (int.from_bytes(encoded[place + step : place + step + 2]) for step in (5, 7))
            return width, height, encoded[place + 9]
        alone = marker in _STANDALONE or marker == 0xFF
        place += (1 if marker == 0xFF else 2) if alone else 2 + int.from_bytes(encoded[place + 2 : place + 4])
    raise ValueError("It has no frame header.")


def _require_size(header: Dicom, width: int, height: int, samples: int) -> None:
    """Refuse to decode a frame of another size than that which the limits were applied to."""
    if (width, height, samples) != (header.width, header.height, header.samples):
        raise ValueError("The frame has another size than the file says.")


def _stored(header: Dicom, values: Values) -> Values:
    """Return the bits that count, with their sign."""
    if values.dtype == np.bool_ or values.dtype.kind not in "iu":
        return values
    size = values.dtype.itemsize
    bits = values.view(f"=u{size}")
    count = min(header.stored, 8 * size)
    shift = max(0, min(header.high + 1, 8 * size) - count)
    kept: Values = (bits >> np.uint8(shift)) & np.array(2**count - 1, bits.dtype)
    if not header.is_signed:
        return kept
    rest = np.uint8(8 * size - count)
    return np.asarray((kept << rest).view(f"=i{size}") >> rest.view(np.int8))


def _measured(header: Dicom, values: Values) -> Values:
    """Return values on the scale that the file gives, turned where the smallest is shown white."""
    dtype = np.dtype(header.dtype)
    if dtype == np.bool_:
        return ~values if header.interpretation == "MONOCHROME1" else values
    low, high = (header.slope * end + header.intercept for end in header.stored_range)
    if not header.is_rescaled and header.interpretation != "MONOCHROME1":
        return values.astype(dtype, copy=False)
    result = np.empty(values.shape, dtype)
    for rows in row_blocks(values):
        scaled = values[rows].astype(np.float64) * header.slope + header.intercept
        result[rows] = (low + high) - scaled if header.interpretation == "MONOCHROME1" else scaled
    return result


def _with_palette(header: Dicom, indices: Values) -> Values:
    """Return the colours (H, W, 3) of a palette, in 8 bits."""
    colours = np.asarray(apply_color_lut(indices, header.dataset))
    return (colours >> 8).astype(np.uint8) if colours.dtype.itemsize > 1 else colours.astype(np.uint8)


def _from_ybr(values: Values) -> Values:
    """Return YCbCr of 8 bits as RGB (PS3.3, C.7.6.3.1.2)."""
    if values.dtype != np.uint8:
        raise ValueError("YCbCr has 8 bits.")
    y, blue, red = (values[:, :, band].astype(np.float32) for band in range(3))
    blue, red = blue - 128, red - 128
    colours = np.stack([y + 1.402 * red, y - 0.344136 * blue - 0.714136 * red, y + 1.772 * blue], axis=-1)
    return np.asarray(np.rint(colours).clip(0, 255).astype(np.uint8))
