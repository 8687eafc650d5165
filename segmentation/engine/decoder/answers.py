"""Answers of the decoder: packed into JSON and shared memory by its child, validated and unpacked by the client.

A decoder that was taken over by a file can send anything. Therefore nothing is unpickled, templates of sentences are restricted,
and sizes are checked before memory is allocated.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from math import isfinite
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.decoder.memory import InvalidAnswer, Reader, Writer, integer, text
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

_MAX_SIZE = 2**31
_SIGNATURES = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8", "image/webp": b"RIFF"}
_CODES = {
    "empty", "too_large", "unsupported_format", "extension_mismatch", "too_many_pixels", "too_many_bands", "corrupt",
    "decode_timeout", "invalid_request",
}  # fmt: skip
_TEMPLATE = re.compile(r"(?:[^%]|%%|%\([a-z]+\)s)*")
_DESCRIPTION = (
    "header", "notices", "metadata", "layout", "no_data", "pixel_size", "pixel_size_suggested", "georeference",
)  # fmt: skip
_NO_DATA_SOURCES = {"person", "gdal_nodata", "internal_mask", "alpha", "nan"}
_MAX_NAMES = 2**12  # of channels
_METADATA = {"make", "model", "software", "changed", "modality"}


# --- Refusals --------------------------------------------------------------------------------------------------------


def pack_refusal(refusal: Refusal) -> Values:
    """Return a refusal as a JSON object."""
    return {"code": refusal.code, "template": refusal.template, "values": dict(refusal.values)}


def unpack_refusal(values: Any) -> Refusal:
    """Return the refusal of a JSON object; raises InvalidAnswer, as all `unpack` functions do."""
    refusal = _require_fields(values, "code", "template", "values")
    code, template = text(refusal["code"]), text(refusal["template"], 500)
    if code not in _CODES or not _TEMPLATE.fullmatch(template):
        raise InvalidAnswer("an invalid refusal")
    return Refusal(code, template, **_message_values(refusal["values"]))


# --- Results ---------------------------------------------------------------------------------------------------------


def pack_picture(picture: Picture, writer: Writer) -> Values:
    """Write the arrays of a picture to shared memory and return the rest as a JSON object."""
    is_shared = picture.data is picture.pixels
    return {
        "pixels": writer.put_array(picture.pixels),
        "data": None if is_shared else writer.put_array(picture.data),
        "data_are_booleans": picture.data.dtype == np.bool_,
        "valid": None if picture.valid is None else writer.put_array(picture.valid),
        **_pack_description(picture),
    }


def unpack_picture(values: Any, reader: Reader, limits: Limits) -> Picture:
    """Return the picture of a JSON object; its arrays are views of shared memory."""
    names = ("pixels", "data", "data_are_booleans", "valid", *_DESCRIPTION)
    fields = _require_fields(values, *names)
    pixels = reader.array(fields["pixels"], dimensions=3)
    if pixels.dtype != np.uint8 or pixels.shape[2] != 3 or pixels.shape[0] * pixels.shape[1] > limits.pixels:
        raise InvalidAnswer("invalid pixels")
    data = pixels if fields["data"] is None else reader.array(fields["data"], dimensions=3)
    if data.shape[:2] != pixels.shape[:2] or data.shape[2] > MAX_BANDS:
        raise InvalidAnswer("data and pixels differ in size")
    valid = None if fields["valid"] is None else _booleans(reader.array(fields["valid"], dimensions=2))
    if valid is not None and valid.shape != pixels.shape[:2]:
        raise InvalidAnswer("mask and pixels differ in size")
    return Picture(
        pixels=pixels.astype(np.uint8, copy=False),
        data=_booleans(data) if fields["data_are_booleans"] is True else data,
        valid=valid,
        **_unpack_description(fields),
    )


def pack_inspection(inspection: Inspection, writer: Writer) -> Values:
    """Write the renditions of an inspection to shared memory and return the rest as a JSON object."""
    return {
        "width": inspection.width,
        "height": inspection.height,
        "fitted_bands": inspection.fitted_bands,
        "display": _pack_rendition(inspection.display, writer),
        "thumbnail": _pack_rendition(inspection.thumbnail, writer),
        **_pack_description(inspection),
    }


def unpack_inspection(values: Any, reader: Reader, limits: Limits) -> Inspection:
    """Return the inspection of a JSON object."""
    names = ("width", "height", "fitted_bands", "display", "thumbnail", *_DESCRIPTION)
    fields = _require_fields(values, *names)
    return Inspection(
        width=integer(fields["width"], 1, limits.pixels),
        height=integer(fields["height"], 1, limits.pixels),
        fitted_bands=integer(fields["fitted_bands"], 1, MAX_BANDS),
        display=_unpack_rendition(fields["display"], reader),
        thumbnail=_unpack_rendition(fields["thumbnail"], reader),
        **_unpack_description(fields),
    )


def pack_mask(mask: NDArray[np.bool_], writer: Writer) -> Values:
    """Write a mask (H, W) to shared memory and return where it is as a JSON object."""
    return {"mask": writer.put_array(mask)}


def unpack_mask(values: Any, reader: Reader, limits: Limits) -> NDArray[np.bool_]:
    """Return the mask (H, W) of a JSON object."""
    mask = _booleans(reader.array(_require_fields(values, "mask")["mask"], dimensions=2))
    if mask.size > limits.pixels:
        raise InvalidAnswer("a mask above the limit")
    return mask


def pack_mask_master(master: MaskMaster, writer: Writer) -> Values:
    """Write the file of a stored mask to shared memory and return the rest as a JSON object."""
    return {
        "data": writer.put_bytes(master.data),
        "width": master.width,
        "height": master.height,
        "left_out": master.left_out,
    }


def unpack_mask_master(values: Any, reader: Reader, limits: Limits) -> MaskMaster:
    """Return the stored mask of a JSON object."""
    fields = _require_fields(values, "data", "width", "height", "left_out")
    data = reader.bytes_of(fields["data"])
    _require_signature(data, "image/png")
    return MaskMaster(
        data=data,
        width=integer(fields["width"], 1, limits.pixels),
        height=integer(fields["height"], 1, limits.pixels),
        left_out=integer(fields["left_out"], 0, limits.pixels),
    )


# --- Parts of results -----------------------------------------------------------------------------------------------------


def _pack_description(result: "Picture | Inspection") -> Values:
    return {
        "header": asdict(result.header),
        "notices": [notice.to_mapping() for notice in result.notices],
        "metadata": result.metadata,
        "layout": result.layout.to_mapping(),
        "no_data": None if result.no_data is None else result.no_data.to_mapping(),
        "pixel_size": _pack_mapping(result.pixel_size),
        "pixel_size_suggested": _pack_mapping(result.pixel_size_suggested),
        "georeference": _pack_mapping(result.georeference),
    }


def _unpack_description(fields: Values) -> dict[str, Any]:
    notices = fields["notices"]
    if not isinstance(notices, list) or len(notices) > 50:
        raise InvalidAnswer("invalid notices")
    return {
        "header": _header(fields["header"]),
        "notices": tuple(_notice(notice) for notice in notices),
        "metadata": _metadata(fields["metadata"]),
        "layout": _layout(fields["layout"]),
        "no_data": None if fields["no_data"] is None else _no_data(fields["no_data"]),
        "pixel_size": _unpack_mapping(PixelSize.from_mapping, fields["pixel_size"]),
        "pixel_size_suggested": _unpack_mapping(PixelSize.from_mapping, fields["pixel_size_suggested"]),
        "georeference": _unpack_mapping(Georeference.from_mapping, fields["georeference"]),
    }


def _pack_mapping(value: PixelSize | Georeference | None) -> Values | None:
    return None if value is None else value.to_mapping()


def _unpack_mapping(parse: Callable[[Any], T], values: Any) -> T | None:
    try:
        return None if values is None else parse(values)
    except (ValueError, TypeError) as error:
        raise InvalidAnswer("an invalid pixel size or georeference") from error


def _header(values: Any) -> Header:
    fields = _require_fields(values, "format", "width", "height", "bands", "dtype", "frames")
    dtype = text(fields["dtype"])
    if text(fields["format"]) not in FORMATS or not re.fullmatch(r"bool|(?:uint|int|float)[1-9][0-9]?", dtype):
        raise InvalidAnswer("an invalid header")
    return Header(
        format=fields["format"],
        width=integer(fields["width"], 1, _MAX_SIZE),
        height=integer(fields["height"], 1, _MAX_SIZE),
        bands=integer(fields["bands"], 1, MAX_BANDS),
        dtype=dtype,
        frames=integer(fields["frames"], 0, _MAX_SIZE),
    )


def _notice(values: Any) -> Notice:
    fields = _require_fields(values, "code", "values")
    return Notice.from_mapping({"code": text(fields["code"]), "values": _message_values(fields["values"])})


def _metadata(values: Any) -> Values:
    if not isinstance(values, dict) or not values.keys() <= {"schema", "dpi", *_METADATA} or "schema" not in values:
        raise InvalidAnswer("invalid metadata")
    fields: Values = {"schema": integer(values["schema"], 1, _MAX_SIZE)}
    fields |= {name: text(value) for name, value in values.items() if name in _METADATA}
    if "dpi" in values:
        dpi = values["dpi"]
        if not (isinstance(dpi, list) and len(dpi) == 2):
            raise InvalidAnswer("an invalid resolution")
        fields["dpi"] = [float(_number(value)) for value in dpi]
    return fields


def _layout(values: Any) -> Layout:
    fields = _require_fields(values, "selection", "axes", "shape", "pictures", "channel_names", "overviews")
    axes, shape, names = fields["axes"], fields["shape"], fields["channel_names"]
    if not (isinstance(axes, str) and re.fullmatch("[TZCYXS]{2,6}", axes) and len(set(axes)) == len(axes)):
        raise InvalidAnswer("invalid axes")
    if not (isinstance(shape, list) and len(shape) == len(axes)):
        raise InvalidAnswer("an invalid shape")
    if not (isinstance(names, list) and len(names) <= _MAX_NAMES):
        raise InvalidAnswer("invalid names of channels")
    try:
        selection = Selection.from_mapping(_require_fields(fields["selection"], "series", "z", "t", "channels"))
    except BadRecipe as error:
        raise InvalidAnswer("an invalid selection") from error
    return Layout(
        selection=selection,
        axes=axes,
        shape=tuple(integer(size, 1, _MAX_SIZE) for size in shape),
        pictures=integer(fields["pictures"], 1, _MAX_SIZE),
        channel_names=tuple(text(name) for name in names),
        overviews=integer(fields["overviews"], 0, _MAX_SIZE),
    )


def _no_data(values: Any) -> NoData:
    fields = _require_fields(values, "source", "value", "pixels")
    source, value = fields["source"], fields["value"]
    if not isinstance(source, str) or source not in _NO_DATA_SOURCES:
        raise InvalidAnswer("an invalid source")
    return NoData(
        source=source,
        value=None if value is None else float(_number(value)),
        pixels=integer(fields["pixels"], 0, _MAX_SIZE),
    )


def _pack_rendition(rendition: Rendition, writer: Writer) -> Values:
    return {"data": writer.put_bytes(rendition.data), "content_type": rendition.content_type}


def _unpack_rendition(values: Any, reader: Reader) -> Rendition:
    fields = _require_fields(values, "data", "content_type")
    rendition = Rendition(reader.bytes_of(fields["data"]), text(fields["content_type"]))
    _require_signature(rendition.data, rendition.content_type)
    return rendition


def _require_signature(data: bytes, content_type: str) -> None:
    signature = _SIGNATURES.get(content_type)
    if signature is None or not data.startswith(signature):
        raise InvalidAnswer("a file that differs from its content type")


def _booleans(array: NDArray[np.generic]) -> NDArray[np.bool_]:
    if array.dtype != np.uint8:
        raise InvalidAnswer("invalid truth values")
    booleans: NDArray[np.bool_] = array != 0
    return booleans


def _message_values(values: Any) -> Mapping[str, str | float]:
    """Return the values of a refusal or notice: at most ten texts or numbers by name."""
    if not isinstance(values, dict) or len(values) > 10:
        raise InvalidAnswer("invalid values")
    return {_name(name): _text_or_number(value) for name, value in values.items()}


def _name(value: str) -> str:
    if not re.fullmatch(r"[a-z_]{1,30}", value) or value in {"code", "template", "self"}:
        raise InvalidAnswer("an invalid name")
    return value


def _text_or_number(value: Any) -> str | float:
    return text(value) if isinstance(value, str) else _number(value)


def _number(value: Any) -> float:
    if type(value) not in {int, float} or not isfinite(value) or abs(value) > 1e308:
        raise InvalidAnswer("an invalid number")
    return value  # type: ignore[no-any-return] # checked above


def _require_fields(values: Any, *names: str) -> Values:
    """Return a JSON object that has exactly the given fields."""
    if not isinstance(values, dict) or values.keys() != set(names):
        raise InvalidAnswer("other fields than expected")
    return values
