"""The size of a pixel as the maker of a TIFF file wrote it, each in its own place; the first that makes sense is taken.

The order is that of trust. Zeiss, TVIPS, DigitalMicrograph and JEOL follow what RosettaSciIO has found out.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from segmentation.engine.imaging.pixel_size import (
    PixelSize,
    SizeSource,
    size_in_metres,
    size_of_resolution,
    size_with_unit,
)

_MAKE, _RESOLUTION_X, _RESOLUTION_Y, _RESOLUTION_UNIT = 271, 282, 283, 296
_SIS_TAGS = (33560, 33471)
_DM_UNIT_Y, _DM_UNIT_X, _DM_SIZE_Y, _DM_SIZE_X = 65003, 65004, 65009, 65010
_INCH, _CENTIMETRE = 2, 3
_METRES_OF_UNIT = {_INCH: 0.0254, _CENTIMETRE: 0.01}
_MOST_PAGES = 50  # that are looked at: some makers describe the picture on a later page
_LONGEST_XML = 20_000_000  # characters
_ZEISS_SCREEN = 1024  # pixels across, of which the stored size is


@dataclass(frozen=True, slots=True, kw_only=True)
class TiffPicture:
    """A picture in an open TIFF file."""

    file: Any  # tifffile.TiffFile
    page: Any  # tifffile.TiffPage of the picture
    image: int  # its number among the pictures of the file


def read_pixel_size(picture: TiffPicture) -> PixelSize | None:
    """Return the size of a pixel of a picture as the program or the instrument wrote it; None if its file has none.

    Whatever is damaged in one place leaves the next one its turn.
    """
    for read in _SOURCES:
        size = _tolerant(read, picture)
        if size is not None:
            return size
    return None


def read_suggested_size(picture: TiffPicture) -> PixelSize | None:
    """Return the size that the resolution of a picture suggests: often that of a screen or a printer."""
    return _tolerant(_suggested, picture)


def _tolerant(read: Callable[[TiffPicture], PixelSize | None], picture: TiffPicture) -> PixelSize | None:
    try:
        return read(picture)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - private formats of many makers; a damaged one is no reason to refuse the picture
        return None


def _ome(picture: TiffPicture) -> PixelSize | None:
    text = picture.file.ome_metadata
    if not text or len(text) > _LONGEST_XML:
        return None
    pixels = [element for element in ET.fromstring(text).iter() if element.tag.rpartition("}")[2] == "Pixels"]  # noqa: S314 - the decoder is confined and limited, and expat bounds the expansion of entities
    found = pixels[picture.image].attrib
    unit = found.get("PhysicalSizeXUnit", "µm")
    return size_with_unit(
        found.get("PhysicalSizeX"),
        found.get("PhysicalSizeY"),
        unit,
        SizeSource.OME,
        height_unit=found.get("PhysicalSizeYUnit", "µm"),
    )


def _imagej(picture: TiffPicture) -> PixelSize | None:
    found = picture.file.imagej_metadata or {}
    across, down = _resolution(picture.page)
    unit = found.get("unit")
    return size_with_unit(1 / across, 1 / down, unit, SizeSource.IMAGEJ) if isinstance(unit, str) else None


def _fei(picture: TiffPicture) -> PixelSize | None:
    found = picture.file.fei_metadata or {}
    scan = found.get("Scan") or {}
    if scan.get("PixelWidth"):
        return size_in_metres(scan["PixelWidth"], scan.get("PixelHeight") or scan["PixelWidth"], SizeSource.FEI)
    beam, image = found.get("IRBeam"), found.get("Image")
    if beam is None or image is None:
        return None
    width = float(beam["HFW"]) / float(image["ResolutionX"])
    return size_in_metres(width, float(beam["VFW"]) / float(image["ResolutionY"]), SizeSource.FEI)


def _zeiss(picture: TiffPicture) -> PixelSize | None:
    found = picture.file.sem_metadata
    if not found:
        return None
    size = float(found[""][3]) * _ZEISS_SCREEN / picture.page.imagewidth
    return size_in_metres(size, size, SizeSource.ZEISS)


def _sis(picture: TiffPicture) -> PixelSize | None:
    for page in _first_pages(picture.file):
        found = next((value for tag in _SIS_TAGS if isinstance(value := page.tags.valueof(tag), dict)), {})
        if "pixelsizex" in found:
            return size_in_metres(found["pixelsizex"], found.get("pixelsizey", found["pixelsizex"]), SizeSource.SIS)
    return None


def _tvips(picture: TiffPicture) -> PixelSize | None:
    found = picture.file.tvips_metadata or {}
    if "PixelSizeX" not in found:
        return None
    return size_with_unit(found["PixelSizeX"], found["PixelSizeY"], "nm", SizeSource.TVIPS)


def _digital_micrograph(picture: TiffPicture) -> PixelSize | None:
    value_of = picture.page.tags.valueof
    if value_of(_DM_SIZE_X) is None:
        return None
    return size_with_unit(
        value_of(_DM_SIZE_X),
        value_of(_DM_SIZE_Y),
        value_of(_DM_UNIT_X),
        SizeSource.DIGITAL_MICROGRAPH,
        height_unit=value_of(_DM_UNIT_Y),
    )


def _jeol(picture: TiffPicture) -> PixelSize | None:
    """Return the size of the camera's pixel over the magnification, of a transmission microscope in imaging mode only."""
    if picture.page.tags.valueof(_MAKE) != "JEOL Ltd.":
        return None
    text = "".join(line.strip(" \r\n\t\x01\x00") for line in picture.page.description.split("\n"))
    report = ET.fromstring(text)  # noqa: S314 - as of OME
    imaging = report.find("ImageFormingSystem")
    if imaging is None or report.findtext("Eos/EosMode") != "eosTEM" or imaging.findtext("ModeString") != "MAG":
        return None
    magnification = float(imaging.findtext("SelectorValue") or 0)
    unit = _METRES_OF_UNIT.get(picture.page.tags.valueof(_RESOLUTION_UNIT), 0.01)
    across, down = _resolution(picture.page)
    return size_of_resolution(across * magnification, down * magnification, unit, SizeSource.JEOL)


def _svs(picture: TiffPicture) -> PixelSize | None:
    if not picture.page.is_svs:
        return None
    found = re.search(r"\bMPP\s*=\s*([0-9.eE+-]{1,30})", picture.page.description)
    return None if found is None else size_with_unit(found[1], found[1], "um", SizeSource.SVS)


def _ndpi(picture: TiffPicture) -> PixelSize | None:
    if not picture.page.is_ndpi or picture.page.tags.valueof(_RESOLUTION_UNIT) != _CENTIMETRE:
        return None
    return size_of_resolution(*_resolution(picture.page), _METRES_OF_UNIT[_CENTIMETRE], SizeSource.NDPI)


def _suggested(picture: TiffPicture) -> PixelSize | None:
    unit = picture.page.tags.valueof(_RESOLUTION_UNIT, default=_INCH)
    across, down = _resolution(picture.page)
    if unit not in _METRES_OF_UNIT or (across, down) == (1.0, 1.0):  # what programs write that know none
        return None
    return size_of_resolution(across, down, _METRES_OF_UNIT[unit], SizeSource.RESOLUTION)


_SOURCES = (_ome, _imagej, _fei, _zeiss, _sis, _tvips, _digital_micrograph, _jeol, _svs, _ndpi)


def _resolution(page: Any) -> tuple[float, float]:
    """Return pixels in a unit of resolution, across and down."""
    across = page.tags.valueof(_RESOLUTION_X)
    down = page.tags.valueof(_RESOLUTION_Y, default=across)
    return _quotient(across), _quotient(down)


def _quotient(value: Any) -> float:
    return value[0] / value[1] if isinstance(value, tuple) else float(value)


def _first_pages(file: Any) -> Iterator[Any]:
    for index in range(_MOST_PAGES):
        try:
            yield file.pages[index]
        except IndexError:
            return
