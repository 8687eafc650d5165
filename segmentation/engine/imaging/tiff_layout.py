"""Selection of the picture, plane and channels that are read from a TIFF file.

A page with NewSubfileType 1 (a reduced copy: preview or overview) or 4 (a transparency mask) is not a picture (TIFF 6.0, page
36). The order of the other pages as depths, times and channels is taken from the OME-XML or ImageJ metadata; pages of a file
without either are pictures of their own.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from segmentation.engine.exceptions import Refusal, gettext_noop
from segmentation.engine.imaging.admission import camera_raw
from segmentation.engine.imaging.layout import Layout, printable
from segmentation.engine.recipe import Selection

_STACK_AXES = "TZC"
_DNG_VERSION_TAG = 50706
_GDAL_METADATA_TAG = 42112
_MAKERS_OF_RAW = ("NIKON", "SONY", "CANON", "PENTAX", "OLYMPUS", "PANASONIC", "LEICA", "HASSELBLAD", "SAMSUNG")


@dataclass(frozen=True, slots=True, kw_only=True)
class TiffPlane:
    """A plane of a TIFF file: the pages of its channels, which have the same size and type."""

    page: Any  # the first page of its picture, with its tags
    layout: Layout
    mask: Any | None  # page of the internal mask, or None
    _series: Any
    _indices: tuple[int, ...]  # of the pages in the series, one a channel

    @property
    def is_first_page(self) -> bool:
        """Whether the plane is one page, the first of the file."""
        return self._indices == (0,) and self.page.index == 0

    @property
    def bands(self) -> int:
        """Values a pixel, alpha included."""
        return int(self.page.samplesperpixel) * len(self._indices)

    def read(self) -> NDArray[np.generic]:
        """Decode the plane as an array (H, W, bands), the channels one after the other.

        Raises
        ------
        Refusal
            With `unsupported_format` when a page of it is in another file.
        """
        if len(self._indices) == 1:
            return self._page_values(self._indices[0])
        page, samples = self.page, int(self.page.samplesperpixel)
        values = np.empty((page.imagelength, page.imagewidth, self.bands), page.dtype)
        for number, index in enumerate(self._indices):
            values[:, :, number * samples : (number + 1) * samples] = self._page_values(index)
        return values

    def _page_values(self, index: int) -> NDArray[np.generic]:
        page = self.page
        if index >= len(self._series.pages):  # ImageJ describes one page; the values of the others follow it
            values = self._values_behind_first_page(index)
        else:
            found = self._series.pages[index]
            if found is None:
                raise Refusal(
                    "unsupported_format",
                    gettext_noop("A part of it is in another file. Save all channels and planes in one file."),
                )
            values = found.asarray(maxworkers=1)  # no threads in a child process
        values = values.reshape(page.shape)
        if "S" in page.axes:
            values = np.moveaxis(values, page.axes.index("S"), -1)
        return values.reshape(page.imagelength, page.imagewidth, page.samplesperpixel)

    def _values_behind_first_page(self, index: int) -> NDArray[np.generic]:
        size = math.prod(self.page.shape)
        dtype = np.dtype(self.page.parent.byteorder + self.page.dtype.char)
        file = self.page.parent.filehandle
        values = file.read_array(dtype, count=size, offset=self._series.dataoffset + index * size * dtype.itemsize)
        return np.asarray(values).astype(dtype.newbyteorder("="))


def select_plane(file: tifffile.TiffFile, selection: Selection) -> TiffPlane:
    """Return the selected plane of an open file.

    Raises
    ------
    Refusal
        With `unsupported_format` for a camera raw file, and `invalid_request` for a selection that the file does not have.
    """
    _refuse_camera_raw(file)
    pictures = list(_pictures(file))
    series, other_axes = _chosen(
        pictures, selection.series, gettext_noop("The file has %(count)s pictures: choose from 1 to %(count)s.")
    )
    sizes = dict(zip(series.axes, series.shape, strict=True))
    _require_in_range(
        "z",
        selection.z,
        sizes.get("Z", 1),
        gettext_noop("The picture has %(count)s planes: choose from 1 to %(count)s."),
    )
    _require_in_range(
        "t",
        selection.t,
        sizes.get("T", 1),
        gettext_noop("The picture has %(count)s points in time: choose from 1 to %(count)s."),
    )
    n_channels = sizes.get("C", 1) if "C" in _page_axes(series) else 1
    channels = tuple(range(n_channels)) if n_channels == 1 or selection.channels is None else selection.channels
    for channel in channels:
        _require_in_range(
            "channels",
            channel,
            n_channels,
            gettext_noop("The picture has %(count)s channels: choose from 1 to %(count)s."),
        )
    position = {"Z": selection.z, "T": selection.t, **other_axes}
    indices = tuple(_page_index(series, position | {"C": channel}) for channel in channels)
    page = series.keyframe
    names = _channel_names(file, series, page)
    layout = Layout(
        selection=selection,
        axes="".join(axis for axis in series.axes if axis in _STACK_AXES + "YXS"),
        shape=tuple(size for axis, size in sizes.items() if axis in _STACK_AXES + "YXS"),
        pictures=len(pictures),
        channel_names=tuple(names[channel] for channel in channels) if len(names) == n_channels > 1 else names,
        overviews=len(series.levels) - 1,
    )
    return TiffPlane(page=page, layout=layout, mask=_internal_mask(file, page), _series=series, _indices=indices)


def _pictures(file: tifffile.TiffFile) -> Iterator[tuple[Any, dict[str, int]]]:
    """Yield the pictures of a file in the order of their first pages: a series, and indices on its axes other than T, Z and C."""
    found = [series for series in file.series if not _is_copy_or_mask(series.keyframe)] or list(file.series[:1])
    if file.is_svs:  # its thumbnail, label and macro photograph are no pictures of the slide
        found = [series for series in found if series.name == "Baseline"] or found
    listed = []
    for series in found:
        others = [axis for axis in _page_axes(series) if axis not in _STACK_AXES]
        sizes = dict(zip(series.axes, series.shape, strict=True))
        for numbers in np.ndindex(*(sizes[axis] for axis in others)):
            position = dict(zip(others, map(int, numbers), strict=True))
            listed.append((_first_page_number(series, position), series, position))
    listed.sort(key=lambda entry: entry[0])
    yield from ((series, position) for _, series, position in listed)


def _first_page_number(series: Any, position: dict[str, int]) -> int:
    index = _page_index(series, position)
    page = series.pages[index] if index < len(series.pages) else None
    return int(series.keyframe.index) + index if page is None else int(page.index)


def _page_axes(series: Any) -> str:
    """Return the axes of a series along which its pages are stored: those in front of the axes of a page."""
    return str(series.axes[: len(series.axes) - len(series.keyframe.axes)])


def _page_index(series: Any, position: dict[str, int]) -> int:
    axes = _page_axes(series)
    return int(np.ravel_multi_index([position.get(axis, 0) for axis in axes], series.shape[: len(axes)])) if axes else 0


def _is_copy_or_mask(page: Any) -> bool:
    return bool(page.is_reduced or page.is_mask)


def _internal_mask(file: tifffile.TiffFile, page: Any) -> Any | None:
    """Return the page of the transparency mask that has the size of the picture, or None (TIFF 6.0, page 37)."""
    for series in file.series:
        candidate = series.keyframe
        if candidate.subfiletype == tifffile.FILETYPE.MASK and candidate.shape == (page.imagelength, page.imagewidth):
            return candidate
    return None


def _refuse_camera_raw(file: tifffile.TiffFile) -> None:
    first = file.pages.first
    has_hidden_picture = bool(first.is_reduced) and bool(first.subifds)
    is_of_camera = _DNG_VERSION_TAG in first.tags or first.photometric in {
        tifffile.PHOTOMETRIC.CFA,
        tifffile.PHOTOMETRIC.LINEAR_RAW,
    }
    maker = str(first.tags.valueof(271, default="")).upper()
    if is_of_camera or has_hidden_picture or (first.subifds and maker.startswith(_MAKERS_OF_RAW)):
        raise camera_raw()


def _chosen(pictures: list[Any], index: int, sentence: str) -> Any:
    _require_in_range("series", index, len(pictures), sentence)
    return pictures[index]


def _require_in_range(field: str, index: int, count: int, sentence: str) -> None:
    if index >= count:
        raise Refusal("invalid_request", sentence, count=count, field=field)


def _channel_names(file: tifffile.TiffFile, series: Any, page: Any) -> tuple[str, ...]:
    """Return the names of all channels, or of the bands of a picture without channels; empty when the file has none."""
    if file.is_ome:
        names = _names_in_ome(file, file.series.index(series))
    elif file.is_imagej:
        labels = (file.imagej_metadata or {}).get("Labels") or ()
        sizes = dict(zip(series.axes, series.shape, strict=True))
        names = list(labels) if len(labels) == sizes.get("C", 1) == len(series.pages) else []
    else:
        names = _names_in_gdal_metadata(page)
    return tuple(map(printable, names)) if all(map(printable, names)) else ()


def _names_in_ome(file: tifffile.TiffFile, image: int) -> list[str]:
    """Return the names of the channels of an image in the OME-XML, by its index; tifffile makes a series of each."""
    from xml.etree import ElementTree  # noqa: PLC0415 - in a confined child, as tifffile does

    try:
        found = ElementTree.fromstring(file.ome_metadata or "<OME/>").findall(".//{*}Image/{*}Pixels")  # noqa: S314 - as above
    except ElementTree.ParseError:  # tifffile then takes the pages as they are
        return []
    channels = found[image].findall("{*}Channel") if image < len(found) else []
    names = [channel.get("Name") for channel in channels]
    return [name for name in names if name] if all(names) else []


def _names_in_gdal_metadata(page: Any) -> list[str]:
    """Return the descriptions of the bands in GDAL's metadata tag, when every band has one."""
    from xml.etree import ElementTree  # noqa: PLC0415 - in a confined child, as tifffile does

    written = page.tags.valueof(_GDAL_METADATA_TAG)
    if not isinstance(written, str):
        return []
    try:
        items = ElementTree.fromstring(written.strip("\0 \n")).findall("Item")  # noqa: S314 - as above
    except ElementTree.ParseError:
        return []
    described = {
        int(item.get("sample", "0")): item.text or ""
        for item in items
        if item.get("role") == "description" and (item.get("sample") or "0").isdecimal()
    }
    return [described.get(band, "") for band in range(page.samplesperpixel)]


def open_tiff(data: bytes) -> tifffile.TiffFile:
    """Open a file in memory."""
    return tifffile.TiffFile(BytesIO(data))
