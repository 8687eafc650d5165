"""The georeference that the tags of a TIFF hold (OGC GeoTIFF 1.1, sections 7.1 to 7.5)."""

import math
import struct
from collections.abc import Sequence
from typing import Any

from segmentation.engine.imaging import orientation
from segmentation.engine.imaging.georeference import Crs, CrsKind, Georeference
from segmentation.engine.imaging.notices import Notice

_PIXEL_SCALE, _TIE_POINTS, _TRANSFORMATION = 33550, 33922, 34264
_KEYS, _DOUBLES, _TEXTS = 34735, 34736, 34737
_ORIENTATION = 274

_MODEL_TYPE, _RASTER_TYPE, _CITATION = 1024, 1025, 1026
_GEOGRAPHIC_CODE, _GEOGRAPHIC_CITATION = 2048, 2049
_PROJECTED_CODE, _PROJECTED_CITATION = 3072, 3073
_LINEAR_UNIT, _LINEAR_UNIT_SIZE = 3076, 3077
_PROJECTED, _GEOGRAPHIC = 1, 2  # model types
_PIXEL_IS_POINT = 2
_USER_DEFINED = 32767
_METRES = {  # by EPSG's codes of linear units
    9001: 1.0, 9002: 0.3048, 9003: 1200 / 3937, 9005: 0.3047972654, 9036: 1000.0, 9014: 1.8288, 9030: 1852.0,
}  # fmt: skip

_MOST_KEYS = 200
_LONGEST_NAME = 200
_TIE_POINT = 6  # numbers: column, row, level; x, y, z

Keys = dict[int, int | float | str]
Transform = tuple[float, float, float, float, float, float]


def read_georeference(page: Any) -> tuple[Georeference | None, list[Notice]]:
    """Return the georeference of a page of tifffile, and what people should know about it.

    The system has the name and the unit that the file says; `crs.completed` looks up those of the register.
    A georeference of a picture that is stored turned is refused: programs disagree on what its transform is of.
    """
    if not any(tag in page.tags for tag in (_PIXEL_SCALE, _TIE_POINTS, _TRANSFORMATION)):
        return None, []
    try:
        keys = _keys(page)
        transform = _transform(page, is_point=keys.get(_RASTER_TYPE) == _PIXEL_IS_POINT)
        if transform is None:
            return None, [Notice("control_points_ignored")]
        system = _system(keys)
        if system is None:
            return None, [Notice("georeference_ignored")]
        georeference = Georeference(crs=system, transform=transform)
    except (ValueError, TypeError, LookupError, OverflowError, struct.error):
        return None, [Notice("georeference_ignored")]
    if page.tags.valueof(_ORIENTATION, default=orientation.UPRIGHT) != orientation.UPRIGHT:
        return None, [Notice("georeference_turned")]
    return georeference, [Notice("crs_user_defined")] if system.kind is CrsKind.USER else []


def _transform(page: Any, *, is_point: bool) -> Transform | None:
    """Return the transform of the corners of pixels; None where there are only control points."""
    matrix, scale, points = (_numbers(page, tag) for tag in (_TRANSFORMATION, _PIXEL_SCALE, _TIE_POINTS))
    if len(matrix) == 16:
        a, b, c, d, e, f = matrix[0], matrix[1], matrix[3], matrix[4], matrix[5], matrix[7]
    elif len(scale) >= 2 and len(points) >= _TIE_POINT:
        column, row, _level, x, y, _z = points[:_TIE_POINT]
        a, b, d, e = scale[0], 0.0, 0.0, -abs(scale[1])
        c, f = x - a * column, y - e * row
    else:
        return None
    if is_point:  # the transform is of the centres of pixels: its origin lies half a pixel up and left
        c, f = c - (a + b) / 2, f - (d + e) / 2
    return a, b, c, d, e, f


def _system(keys: Keys) -> Crs | None:
    """Return the coordinate reference system; None for one that is no plane and no globe."""
    model = keys.get(_MODEL_TYPE)
    if model == _GEOGRAPHIC or (model is None and _GEOGRAPHIC_CODE in keys and _PROJECTED_CODE not in keys):
        epsg = _code(keys, _GEOGRAPHIC_CODE)
        kind = CrsKind.USER if epsg is None else CrsKind.GEOGRAPHIC
        return Crs(epsg=epsg, name=_name(keys, _CITATION, _GEOGRAPHIC_CITATION), kind=kind, unit_in_metres=None)
    if model in {None, _PROJECTED, _USER_DEFINED}:
        epsg = _code(keys, _PROJECTED_CODE)
        kind = CrsKind.USER if epsg is None else CrsKind.PROJECTED
        name = _name(keys, _PROJECTED_CITATION, _CITATION)
        return Crs(epsg=epsg, name=name, kind=kind, unit_in_metres=_unit(keys))
    return None


def _code(keys: Keys, key: int) -> int | None:
    code = keys.get(key)
    return code if isinstance(code, int) and 0 < code < _USER_DEFINED else None


def _unit(keys: Keys) -> float | None:
    unit = keys.get(_LINEAR_UNIT)
    if unit == _USER_DEFINED:
        size = keys.get(_LINEAR_UNIT_SIZE)
        return size if isinstance(size, float) and math.isfinite(size) else None
    return _METRES.get(unit) if isinstance(unit, int) else None


def _name(keys: Keys, *citations: int) -> str:
    found = next((text for key in citations if isinstance(text := keys.get(key), str) and text.strip()), "")
    return "".join(letter for letter in found if letter.isprintable()).strip()[:_LONGEST_NAME]


def _keys(page: Any) -> Keys:
    """Return the values of the geo keys; what lies outside of the tags that it names is left out."""
    directory = [int(number) for number in _numbers(page, _KEYS)[: 4 * (_MOST_KEYS + 1)]]
    doubles, texts = _numbers(page, _DOUBLES), _text(page)
    found: Keys = {}
    for place in range(4, min(len(directory), 4 + 4 * directory[3] if len(directory) > 3 else 0) - 3, 4):
        key, tag, count, value = directory[place : place + 4]
        if tag == 0:
            found[key] = value
        elif tag == _DOUBLES and value < len(doubles):
            found[key] = doubles[value]
        elif tag == _TEXTS:
            found[key] = texts[value : value + count].rstrip("|\0")
    return found


def _numbers(page: Any, tag: int) -> Sequence[float]:
    value = page.tags.valueof(tag, default=())
    return tuple(float(number) for number in (value if isinstance(value, tuple | list) else (value,)))


def _text(page: Any) -> str:
    value = page.tags.valueof(_TEXTS, default="")
    return value if isinstance(value, str) else ""
