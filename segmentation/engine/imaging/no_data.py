"""Pixels without data: by a value that stands for it, by the mask of the file, by transparency, and NaN or infinity."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.imaging.decoded_bands import DecodedBands, row_blocks
from segmentation.engine.imaging.layout import NoData
from segmentation.engine.imaging.notices import Notice

Mask = NDArray[np.bool_]


def find_valid_pixels(
    bands: DecodedBands, no_data_value: float | None
) -> tuple[Mask | None, NoData | None, list[Notice]]:
    """Return which pixels have data, a summary of those that have none, and notices of them.

    Parameters
    ----------
    bands : DecodedBands
    no_data_value : float or None
        Value that a person has given; it replaces the one of the file.

    Returns
    -------
    valid : ndarray, shape (H, W), bool, or None
        None when all pixels have data.
    no_data : NoData or None
        None when all pixels have data and no value stands for no data.
    notices : list of Notice
    """
    is_given = no_data_value is not None
    value = no_data_value if is_given else bands.no_data_value
    by_value = None if value is None or not np.isfinite(value) else _different_from(bands.values, value)
    sources: dict[str, Mask | None] = {
        "person" if is_given else "gdal_nodata": by_value,
        "internal_mask": bands.mask,
        "alpha": _visible(bands),
        "nan": _finite(bands.values),
    }
    valid: Mask | None = None
    notices = []
    for source, counts in sources.items():
        pixels = 0 if counts is None else int(counts.size - np.count_nonzero(counts))
        if counts is None or pixels == 0:
            continue
        valid = counts if valid is None else valid & counts
        notices += _notice(source, pixels, value)
    found = [source for source, counts in sources.items() if counts is not None and not counts.all()]
    if not found:
        return None, NoData(source="person", value=value, pixels=0) if is_given else None, []
    missing = 0 if valid is None else int(valid.size - np.count_nonzero(valid))
    has_value = found[0] in {"person", "gdal_nodata"}
    return valid, NoData(source=found[0], value=value if has_value else None, pixels=missing), notices


def _notice(source: str, pixels: int, value: float | None) -> list[Notice]:
    if source in {"person", "gdal_nodata"}:
        number = 0.0 if value is None else value
        shown = int(number) if number == int(number) and abs(number) < 1e15 else float(f"{number:.6g}")
        return [Notice("no_data_value", {"pixels": pixels, "value": shown})]
    code = {"internal_mask": "masked_in_file", "nan": "no_data"}.get(source)
    return [] if code is None else [Notice(code, {"pixels": pixels})]


def _different_from(values: NDArray[np.generic], value: float) -> Mask | None:
    """Return where any band differs from a value, after that was rounded to the dtype; None when no pixel can equal it."""
    rounded = _in_dtype(values.dtype, value)
    if rounded is None:
        return None
    number = np.array(rounded, values.dtype)
    different = np.empty(values.shape[:2], np.bool_)
    for rows in row_blocks(values):
        (values[rows] != number).any(axis=2, out=different[rows])
    return different


def _in_dtype(dtype: np.dtype[Any], value: float) -> float | None:
    """Return a value rounded to a dtype, or None when the dtype cannot hold it."""
    if dtype.kind == "f":
        limits = np.finfo(dtype)
        # The decimal digits of the smallest or largest number may lie just outside of its type.
        return float(np.array(np.clip(value, float(limits.min), float(limits.max))).astype(dtype))
    if dtype.kind == "b":
        return value if value in {0.0, 1.0} else None
    integers, nearest = np.iinfo(dtype), round(value)
    return nearest if integers.min <= nearest <= integers.max else None


def _visible(bands: DecodedBands) -> Mask | None:
    """Return where pixels are not fully transparent."""
    return bands.visible if bands.alpha is None else bands.alpha != 0


def _finite(values: NDArray[np.generic]) -> Mask | None:
    """Return where all bands are finite; None for integers."""
    if values.dtype.kind != "f":
        return None
    finite = np.empty(values.shape[:2], np.bool_)
    for rows in row_blocks(values):
        np.isfinite(values[rows]).all(axis=2, out=finite[rows])
    return finite
