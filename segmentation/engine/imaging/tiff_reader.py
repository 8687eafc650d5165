"""Reader of TIFF files with any depth, number of bands and arrangement of planes; Pillow would reduce many of them.

Pillow still reads files of 8 bits or 1 bit in colour spaces and compressions that tifffile does not know.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import PIL.Image
import tifffile
from numpy.typing import NDArray

from segmentation.engine.exceptions import Refusal, gettext_noop
from segmentation.engine.imaging import calibration, metadata, orientation
from segmentation.engine.imaging.admission import Header
from segmentation.engine.imaging.decoded_bands import DecodedBands, DecodedFile, inverted, largest_value, row_blocks
from segmentation.engine.imaging.notices import Notice
from segmentation.engine.imaging.pillow_reader import can_pillow_read, read_with_pillow
from segmentation.engine.imaging.tiff_layout import TiffPlane, open_tiff, select_plane
from segmentation.engine.recipe import Alpha, Reading

_GREY_SPACES = {tifffile.PHOTOMETRIC.MINISWHITE, tifffile.PHOTOMETRIC.MINISBLACK}
_ORIENTATION_TAG = 274
_PROFILE_TAG = 34675
_RESOLUTION_TAG, _RESOLUTION_UNIT_TAG = 282, 296
_GDAL_NODATA_TAG, _PIXEL_SCALE_TAG = 42113, 33550
_INCH, _CENTIMETRE = 2, 3
_ASSOCIATED, _UNASSOCIATED = 1, 2  # kinds of alpha among the extra samples of a TIFF
_MAX_STEP = 8 * 257  # between neighbouring colours (0 to 65535) of a table that displays a measurement


def read_tiff(data: bytes, header: Header, reading: Reading) -> DecodedFile:
    """Decode the selected plane of a TIFF file without reducing its depth; any exception of the codec passes through.

    Raises
    ------
    Refusal
        With the codes of `select_plane`; `unsupported_format` for colour spaces other than grey, RGB, palettes, and CMYK of 8
        or 16 bits in files that Pillow does not read.
    """
    with open_tiff(data) as file:
        plane = select_plane(file, reading.selection)
        calibrated = calibration.from_tiff(file, plane.page, reading.selection.series)
        no_data_value, mask = _no_data_value(plane.page), None if plane.mask is None else _mask_values(plane.mask)
        if _is_for_pillow(plane, data, reading):
            decoded = read_with_pillow(data, header)
            mask = None if mask is None else orientation.to_upright(mask, _orientation(plane.page))
            bands, notices = _with_alpha_as_mask(decoded.bands)
            if plane.page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
                notices.append(Notice("inverted"))
        else:
            decoded = _read_with_tifffile(file, plane, reading)
            bands, notices = decoded.bands, []
    return replace(
        decoded,
        bands=replace(bands, no_data_value=no_data_value, mask=mask),
        notices=decoded.notices + notices,
        layout=plane.layout,
        calibration=calibrated,
    )


def _is_for_pillow(plane: TiffPlane, data: bytes, reading: Reading) -> bool:
    """Return whether Pillow reads a plane: 8 bits or 1 bit a value in the first page, without a choice of what alpha means."""
    page = plane.page
    return (
        plane.is_first_page
        and (page.bitspersample == 1 or page.dtype == np.uint8)
        and reading.alpha is None
        and not _has_table_for_display(page)
        and can_pillow_read(data, page.samplesperpixel)
    )


def _read_with_tifffile(file: tifffile.TiffFile, plane: TiffPlane, reading: Reading) -> DecodedFile:
    page = plane.page
    bands, notices = _bands(file, plane, plane.read(), reading.alpha)
    profile = page.tags.valueof(_PROFILE_TAG) if bands.display_table is None else None
    return DecodedFile(
        bands=bands,
        orientation=_orientation(page),
        profile=profile if isinstance(profile, bytes) else None,
        notices=notices,
        metadata=metadata.from_tags(page.tags.valueof, _dots_per_inch(page)),
    )


def _orientation(page: Any) -> int:
    """Return the orientation of a page, 1 to 8."""
    stored = page.tags.valueof(_ORIENTATION_TAG, default=orientation.UPRIGHT)
    return int(stored) if stored in range(1, 9) else orientation.UPRIGHT


def _dots_per_inch(page: Any) -> tuple[float, float] | None:
    """Return the horizontal and vertical resolution; None when the file has none, or only an aspect ratio."""
    unit = page.tags.valueof(_RESOLUTION_UNIT_TAG, default=_INCH)
    if _RESOLUTION_TAG not in page.tags or unit not in {_INCH, _CENTIMETRE}:
        return None
    horizontal, vertical = page.get_resolution("inch")
    return float(horizontal), float(vertical)


def _no_data_value(page: Any) -> float | None:
    """Return the number in GDAL's tag of the value that stands for no data, or None."""
    written = page.tags.valueof(_GDAL_NODATA_TAG)
    try:
        return float(written.strip("\0 ")) if isinstance(written, str) else None
    except ValueError:
        return None


def _mask_values(page: Any) -> NDArray[np.bool_]:
    values: NDArray[np.bool_] = np.asarray(page.asarray(maxworkers=1)) != 0
    return values


def _bands(
    file: tifffile.TiffFile, plane: TiffPlane, values: NDArray[np.generic], alpha: Alpha | None
) -> tuple[DecodedBands, list[Notice]]:
    """Return the bands of a plane, with a colour table and CMYK converted to RGB, and notices of what was converted."""
    page = plane.page
    if values.shape[2] > page.samplesperpixel:  # several channels
        return _with_notice_of_bands(DecodedBands(values=values, alpha=None))
    if page.photometric == tifffile.PHOTOMETRIC.PALETTE:
        return _through_table(page, values)
    if page.photometric == tifffile.PHOTOMETRIC.SEPARATED and values.dtype in (np.uint8, np.uint16):
        inks = (values[:, :, :4] >> (8 * values.dtype.itemsize - 8)).astype(np.uint8)  # type: ignore[operator]  # unsigned integers
        colour = np.asarray(PIL.Image.fromarray(np.ascontiguousarray(inks), "CMYK").convert("RGB"))
        return DecodedBands(values=colour, alpha=None), [Notice("cmyk_converted")]
    if page.photometric not in {*_GREY_SPACES, tifffile.PHOTOMETRIC.RGB}:
        raise Refusal("unsupported_format", gettext_noop("Its colour space is not known here. Save it as RGB or grey."))
    return _bands_and_alpha(file, page, values, alpha)


def _has_table_for_display(page: Any) -> bool:
    """Return whether a page has a colour table that only displays a measurement: neighbouring colours differ by at most 8 of 255."""
    if page.photometric != tifffile.PHOTOMETRIC.PALETTE or page.bitspersample < 8 or page.colormap is None:
        return False
    steps = np.diff(np.asarray(page.colormap).astype(np.int64), axis=1)
    return bool((np.abs(steps) <= _MAX_STEP).all())


def _through_table(page: Any, values: NDArray[np.generic]) -> tuple[DecodedBands, list[Notice]]:
    table = (np.asarray(page.colormap).T >> 8).astype(np.uint8)
    if _has_table_for_display(page):
        return DecodedBands(values=values, alpha=None, display_table=table), [Notice("table_for_display")]
    return DecodedBands(values=table[values[:, :, 0]], alpha=None), [Notice("palette_applied")]


def _bands_and_alpha(
    file: tifffile.TiffFile, page: Any, values: NDArray[np.generic], meaning: Alpha | None
) -> tuple[DecodedBands, list[Notice]]:
    """Return all bands of a grey or RGB page, with the alpha channel as a mask if there is one."""
    alpha_band, is_associated = _alpha_band(page, values.shape[2], meaning)
    bits = int(page.bitspersample)
    colour = values if alpha_band is None else np.delete(values, alpha_band, axis=2)
    alpha = None if alpha_band is None else values[:, :, alpha_band]
    if alpha is not None and is_associated:
        colour = _without_premultiplication(colour, alpha)
    notices = []
    if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        colour = inverted(colour, bits)
        notices.append(Notice("inverted"))
    if colour.dtype == np.uint8 and bits < 8:
        colour = np.rint(colour * (255 / (2**bits - 1))).astype(np.uint8)
    is_photograph = (
        page.photometric == tifffile.PHOTOMETRIC.RGB
        and colour.shape[2] == 3
        and colour.dtype == np.uint16
        and not _is_measured(file, page, alpha)
    )
    white = 2.0**bits - 1 if is_photograph else None
    masked, alpha_notices = _with_alpha_as_mask(DecodedBands(values=colour, alpha=alpha, white=white))
    bands, band_notices = _with_notice_of_bands(masked)
    return bands, band_notices + notices + alpha_notices


def _alpha_band(page: Any, n_bands: int, meaning: Alpha | None) -> tuple[int | None, bool]:
    """Return the index of the alpha channel or None, and whether the colours are stored multiplied by it."""
    extra = [int(kind) for kind in page.extrasamples]
    if meaning is Alpha.DATA or n_bands == 1:
        return None, False
    n_colours = n_bands - len(extra)
    for wanted in (_UNASSOCIATED, _ASSOCIATED):
        if wanted in extra:
            return n_colours + extra.index(wanted), wanted == _ASSOCIATED
    return (n_bands - 1, False) if meaning is Alpha.TRANSPARENCY else (None, False)


def _is_measured(file: tifffile.TiffFile, page: Any, alpha: NDArray[np.generic] | None) -> bool:
    """Return whether a page of three 16-bit bands is of a program for measurements rather than a photograph."""
    is_mask_in_16_bits = alpha is not None and alpha.max(initial=0) <= 255
    has_place = _PIXEL_SCALE_TAG in page.tags or _GDAL_NODATA_TAG in page.tags
    return file.is_ome or file.is_imagej or has_place or is_mask_in_16_bits


def _with_notice_of_bands(bands: DecodedBands) -> tuple[DecodedBands, list[Notice]]:
    """Return the bands, and a notice when not all of them are displayed."""
    n_bands = bands.values.shape[2]
    if n_bands > 3:
        return bands, [Notice("bands_ignored", {"bands": n_bands})]
    return bands, [Notice("extra_band_ignored")] if n_bands == 2 else []


def _with_alpha_as_mask(bands: DecodedBands) -> tuple[DecodedBands, list[Notice]]:
    """Return the bands with alpha as the pixels that are not transparent: in TIFF, alpha is never blended into the colours.

    A notice says so when alpha has values between transparent and opaque; they may be a measurement. Opaque is the largest
    value of the dtype, or 255, which GDAL writes in 16 bits, too.
    """
    alpha = bands.alpha
    if alpha is None:
        return bands, []
    visible = alpha != 0
    opaque = 255 if alpha.dtype.kind in "iu" and alpha.max(initial=0) == 255 else largest_value(alpha.dtype)
    is_mask = bool(((alpha == opaque) | ~visible).all())
    masked = replace(bands, alpha=None, visible=None if visible.all() else visible)
    return masked, [] if is_mask else [Notice("alpha_as_mask")]


def _without_premultiplication(colour: NDArray[np.generic], alpha: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return colours (H, W, C) that were stored multiplied by their alpha (H, W), divided by it again."""
    opaque = largest_value(alpha.dtype)
    result = np.empty_like(colour)
    for rows in row_blocks(colour):
        weight = alpha[rows, :, None].astype(np.float64)
        plain = (colour[rows].astype(np.float64) * opaque / np.where(weight == 0, opaque, weight)).clip(0, opaque)
        result[rows] = plain if colour.dtype.kind == "f" else np.rint(plain)
    return result
