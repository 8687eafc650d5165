"""What the decoder gives back, as JSON and memory; and back into values, after everything was checked.

Whoever has taken over a decoder can send anything: nothing here is unpickled, formatted or allocated on its word.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from math import isfinite
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.decoder.memory import Reader, Untrustworthy, Writer, integer, text
from segmentation.engine.exceptions import BadRecipe, Refusal
from segmentation.engine.imaging import (
    Header,
    Inspection,
    Layout,
    Limits,
    MaskMaster,
    NoData,
    Notice,
    Picture,
    Rendition,
)
from segmentation.engine.imaging.admission import MAX_BANDS
from segmentation.engine.imaging.formats import FORMATS
from segmentation.engine.imaging.georeference import Georeference
from segmentation.engine.imaging.pixel_size import PixelSize
from segmentation.engine.recipe import Selection

T = TypeVar("T")

Values = dict[str, Any]
Unpack = Callable[[Any, Reader, Limits], T]

_MOST = 2**31
_MOST_NAMES = 2**12
_SIGNATURES = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8", "image/webp": b"RIFF"}
_CODES = {
    "empty", "too_large", "unsupported_format", "extension_mismatch", "too_many_pixels", "too_many_bands", "corrupt",
    "decode_timeout", "invalid_request",
}  # fmt: skip
_TEMPLATE = re.compile(r"(?:[^%]|%%|%\([a-z]+\)s)*")
_METADATA = {"make", "model", "software", "changed", "modality"}
_DESCRIPTION = (
    "header", "notices", "metadata", "layout", "no_data", "pixel_size", "pixel_size_suggested", "georeference",
)  # fmt: skip
_NO_DATA_SOURCES = {"person", "gdal_nodata", "internal_mask", "alpha", "nan"}


# --- Refusals --------------------------------------------------------------------------------------------------------


def pack_refusal(refusal: Refusal) -> Values:
    return {"code": refusal.code, "template": refusal.template, "values": dict(refusal.values)}


def unpack_refusal(values: Any) -> Refusal:
    refusal = _fields(values, "code", "template", "values")
    code, template = text(refusal["code"]), text(refusal["template"], 500)
    if code not in _CODES or not _TEMPLATE.fullmatch(template):
        raise Untrustworthy("no refusal")
    return Refusal(code, template, **_plain(refusal["values"]))


# --- Results ---------------------------------------------------------------------------------------------------------


def pack_picture(picture: Picture, writer: Writer) -> Values:
    is_one = picture.data is picture.pixels
    return {
        "pixels": writer.put_array(picture.pixels),
        "data": None if is_one else writer.put_array(picture.data),
        "data_are_truths": picture.data.dtype == np.bool_,
        "valid": None if picture.valid is None else writer.put_array(picture.valid),
        **_pack_description(picture),
    }


def unpack_picture(values: Any, reader: Reader, limits: Limits) -> Picture:
    found = _fields(values, "pixels", "data", "data_are_truths", "valid", *_DESCRIPTION)
    pixels = reader.array(found["pixels"], dimensions=3)
    if pixels.dtype != np.uint8 or pixels.shape[2] != 3 or pixels.shape[0] * pixels.shape[1] > limits.pixels:
        raise Untrustworthy("no pixels")
    data = pixels if found["data"] is None else reader.array(found["data"], dimensions=3)
    if data.shape[:2] != pixels.shape[:2] or data.shape[2] > MAX_BANDS:
        raise Untrustworthy("other data than pixels")
    valid = None if found["valid"] is None else _truths(reader.array(found["valid"], dimensions=2))
    if valid is not None and valid.shape != pixels.shape[:2]:
        raise Untrustworthy("another mask than pixels")
    return Picture(
        pixels=pixels.astype(np.uint8, copy=False),
        data=_truths(data) if found["data_are_truths"] is True else data,
        valid=valid,
        **_unpack_description(found),
    )


def pack_inspection(inspection: Inspection, writer: Writer) -> Values:
    return {
        "width": inspection.width,
        "height": inspection.height,
        "fitted_bands": inspection.fitted_bands,
        "display": _pack_rendition(inspection.display, writer),
        "thumbnail": _pack_rendition(inspection.thumbnail, writer),
        **_pack_description(inspection),
    }


def unpack_inspection(values: Any, reader: Reader, limits: Limits) -> Inspection:
    found = _fields(values, "width", "height", "fitted_bands", "display", "thumbnail", *_DESCRIPTION)
    return Inspection(
        width=integer(found["width"], 1, limits.pixels),
        height=integer(found["height"], 1, limits.pixels),
        fitted_bands=integer(found["fitted_bands"], 1, MAX_BANDS),
        display=_unpack_rendition(found["display"], reader),
        thumbnail=_unpack_rendition(found["thumbnail"], reader),
        **_unpack_description(found),
    )


def pack_mask(mask: NDArray[np.bool_], writer: Writer) -> Values:
    return {"mask": writer.put_array(mask)}


def unpack_mask(values: Any, reader: Reader, limits: Limits) -> NDArray[np.bool_]:
    mask = _truths(reader.array(_fields(values, "mask")["mask"], dimensions=2))
    if mask.size > limits.pixels:
        raise Untrustworthy("a large mask")
    return mask


def pack_mask_master(master: MaskMaster, writer: Writer) -> Values:
    return {
        "data": writer.put_bytes(master.data),
        "width": master.width,
        "height": master.height,
        "left_out": master.left_out,
    }


def unpack_mask_master(values: Any, reader: Reader, limits: Limits) -> MaskMaster:
    found = _fields(values, "data", "width", "height", "left_out")
    data = reader.bytes_of(found["data"])
    _require_signature(data, "image/png")
    return MaskMaster(
        data=data,
        width=integer(found["width"], 1, limits.pixels),
        height=integer(found["height"], 1, limits.pixels),
        left_out=integer(found["left_out"], 0, limits.pixels),
    )


# --- Their parts -----------------------------------------------------------------------------------------------------


def _pack_description(described: "Picture | Inspection") -> Values:
    return {
        "header": asdict(described.header),
        "notices": [notice.to_mapping() for notice in described.notices],
        "metadata": described.metadata,
        "layout": described.layout.to_mapping(),
        "no_data": None if described.no_data is None else described.no_data.to_mapping(),
        "pixel_size": _pack_mapping(described.pixel_size),
        "pixel_size_suggested": _pack_mapping(described.pixel_size_suggested),
        "georeference": _pack_mapping(described.georeference),
    }


def _unpack_description(found: Values) -> dict[str, Any]:
    notices = found["notices"]
    if not isinstance(notices, list) or len(notices) > 50:
        raise Untrustworthy("no notices")
    return {
        "header": _header(found["header"]),
        "notices": tuple(_notice(notice) for notice in notices),
        "metadata": _metadata(found["metadata"]),
        "layout": _layout(found["layout"]),
        "no_data": None if found["no_data"] is None else _no_data(found["no_data"]),
        "pixel_size": _unpack_mapping(PixelSize.from_mapping, found["pixel_size"]),
        "pixel_size_suggested": _unpack_mapping(PixelSize.from_mapping, found["pixel_size_suggested"]),
        "georeference": _unpack_mapping(Georeference.from_mapping, found["georeference"]),
    }


def _pack_mapping(value: PixelSize | Georeference | None) -> Values | None:
    return None if value is None else value.to_mapping()


def _unpack_mapping(parse: Callable[[Any], T], values: Any) -> T | None:
    try:
        return None if values is None else parse(values)
    except (ValueError, TypeError) as error:
        raise Untrustworthy("no size, or no place") from error


def _header(values: Any) -> Header:
    found = _fields(values, "format", "width", "height", "bands", "dtype", "frames")
    dtype = text(found["dtype"])
    if text(found["format"]) not in FORMATS or not re.fullmatch(r"bool|(?:uint|int|float)[1-9][0-9]?", dtype):
        raise Untrustworthy("no header")
    return Header(
        format=found["format"],
        width=integer(found["width"], 1, _MOST),
        height=integer(found["height"], 1, _MOST),
        bands=integer(found["bands"], 1, MAX_BANDS),
        dtype=dtype,
        frames=integer(found["frames"], 0, _MOST),
    )


def _notice(values: Any) -> Notice:
    found = _fields(values, "code", "values")
    return Notice.from_mapping({"code": text(found["code"]), "values": _plain(found["values"])})


def _metadata(values: Any) -> Values:
    if not isinstance(values, dict) or not values.keys() <= {"schema", "dpi", *_METADATA} or "schema" not in values:
        raise Untrustworthy("no metadata")
    found: Values = {"schema": integer(values["schema"], 1, _MOST)}
    found |= {name: text(value) for name, value in values.items() if name in _METADATA}
    if "dpi" in values:
        dpi = values["dpi"]
        if not (isinstance(dpi, list) and len(dpi) == 2):
            raise Untrustworthy("no resolution")
        found["dpi"] = [float(_number(value)) for value in dpi]
    return found


def _layout(values: Any) -> Layout:
    found = _fields(values, "selection", "axes", "shape", "pictures", "channel_names", "overviews")
    axes, shape, names = found["axes"], found["shape"], found["channel_names"]
    if not (isinstance(axes, str) and re.fullmatch("[TZCYXS]{2,6}", axes) and len(set(axes)) == len(axes)):
        raise Untrustworthy("no axes")
    if not (
        isinstance(shape, list) and len(shape) == len(axes) and isinstance(names, list) and len(names) <= _MOST_NAMES
    ):
        raise Untrustworthy("no shape")
    try:
        selection = Selection.from_mapping(_fields(found["selection"], "series", "z", "t", "channels"))
    except BadRecipe as error:
        raise Untrustworthy("no selection") from error
    return Layout(
        selection=selection,
        axes=axes,
        shape=tuple(integer(size, 1, _MOST) for size in shape),
        pictures=integer(found["pictures"], 1, _MOST),
        channel_names=tuple(text(name) for name in names),
        overviews=integer(found["overviews"], 0, _MOST),
    )


def _no_data(values: Any) -> NoData:
    found = _fields(values, "source", "value", "pixels")
    if found["source"] not in _NO_DATA_SOURCES:
        raise Untrustworthy("no source")
    value = found["value"]
    return NoData(
        source=found["source"],
        value=None if value is None else float(_number(value)),
        pixels=integer(found["pixels"], 0, _MOST),
    )


def _pack_rendition(rendition: Rendition, writer: Writer) -> Values:
    return {"data": writer.put_bytes(rendition.data), "content_type": rendition.content_type}


def _unpack_rendition(values: Any, reader: Reader) -> Rendition:
    found = _fields(values, "data", "content_type")
    rendition = Rendition(reader.bytes_of(found["data"]), text(found["content_type"]))
    _require_signature(rendition.data, rendition.content_type)
    return rendition


def _require_signature(data: bytes, content_type: str) -> None:
    signature = _SIGNATURES.get(content_type)
    if signature is None or not data.startswith(signature):
        raise Untrustworthy("another kind of picture than it says")


def _truths(array: NDArray[np.generic]) -> NDArray[np.bool_]:
    if array.dtype != np.uint8:
        raise Untrustworthy("no truth values")
    truths: NDArray[np.bool_] = array != 0
    return truths


def _plain(values: Any) -> Mapping[str, str | float]:
    if not isinstance(values, dict) or len(values) > 10:
        raise Untrustworthy("no values")
    return {_name(name): _text_or_number(value) for name, value in values.items()}


def _name(value: str) -> str:
    if not re.fullmatch(r"[a-z_]{1,30}", value) or value in {"code", "template", "self"}:
        raise Untrustworthy("no name")
    return value


def _text_or_number(value: Any) -> str | float:
    return text(value) if isinstance(value, str) else _number(value)


def _number(value: Any) -> float:
    if type(value) not in {int, float} or not isfinite(value) or abs(value) > 1e308:
        raise Untrustworthy("no number")
    return value  # type: ignore[no-any-return] # looked at above


def _fields(values: Any, *names: str) -> Values:
    if not isinstance(values, dict) or values.keys() != set(names):
        raise Untrustworthy("other fields")
    return values
