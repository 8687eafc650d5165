"""What a picture's page says about its file: the size and the place of pixels, the plane, the channels, no data."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segmentation.engine.imaging import FileDescription
from segmentation.engine.imaging.pixel_size import PixelSize, SizeSource
from segmentation.formatting import number, pixel_size, thousands
from segmentation.models import Image
from segmentation.views.details import Detail

_SOURCES = {
    SizeSource.OME: gettext_lazy("from its OME metadata"),
    SizeSource.IMAGEJ: gettext_lazy("from ImageJ"),
    SizeSource.FEI: gettext_lazy("from an FEI microscope"),
    SizeSource.ZEISS: gettext_lazy("from a Zeiss microscope"),
    SizeSource.SIS: gettext_lazy("from an Olympus microscope"),
    SizeSource.TVIPS: gettext_lazy("from a TVIPS camera"),
    SizeSource.DIGITAL_MICROGRAPH: gettext_lazy("from DigitalMicrograph"),
    SizeSource.JEOL: gettext_lazy("from a JEOL microscope"),
    SizeSource.SVS: gettext_lazy("from an Aperio scanner"),
    SizeSource.NDPI: gettext_lazy("from a Hamamatsu scanner"),
    SizeSource.DICOM: gettext_lazy("from its DICOM header"),
    SizeSource.GEOTIFF: gettext_lazy("from its place on the map"),
    SizeSource.RESOLUTION: gettext_lazy("from its resolution"),
    SizeSource.PERSON: gettext_lazy("given by hand"),
}
_MILLIMETRES = {"nm": 1e-6, "um": 1e-3, "mm": 1.0, "m": 1e3, "km": 1e6}
_MILLIMETRES_OF_INCH = 25.4


def of_file(image: Image) -> list[Detail]:
    """Return the details of how the file of a picture is read now."""
    description = image.description
    return [
        Detail(_("Size of a pixel"), size_with_source(description.pixel_size)),
        *_place(description),
        *_plane(description),
        *_no_data(description),
    ]


def size_with_source(size: PixelSize | None) -> str:
    """Return the size of a pixel with where it is known from."""
    if size is None:
        return _("not known")
    return f"{pixel_size(size.width, size.height, size.unit)}, {_SOURCES[size.source]}"


def suggestion(image: Image) -> str:
    """Return what the resolution of the file suggests, as the text of a button; nothing when there is no question."""
    description = image.description
    size = description.pixel_size_suggested
    if size is None or description.pixel_size is not None:
        return ""
    dpi = _MILLIMETRES_OF_INCH / (size.width * _MILLIMETRES[size.unit])
    return _("%(dpi)s dpi suggests %(size)s: use it") % {
        "dpi": number(dpi, 0) if dpi >= 10 else number(dpi, 2),
        "size": pixel_size(size.width, size.height, size.unit, digits=4),
    }


def _place(description: FileDescription) -> list[Detail]:
    if description.georeference is None:
        return []
    crs = description.georeference.crs
    name = crs.name or _("defined in the file")
    return [Detail(_("Coordinate system"), name if crs.epsg is None else f"{name} (EPSG {crs.epsg})")]


def _plane(description: FileDescription) -> list[Detail]:
    layout = description.layout
    if layout is None:
        return []
    axes = {
        _("picture"): (layout.selection.series, layout.pictures),
        _("plane"): (layout.selection.z, layout.length("Z")),
        _("time"): (layout.selection.t, layout.length("T")),
    }
    chosen = [
        _("%(axis)s %(n)s of %(count)s") % {"axis": axis, "n": index + 1, "count": count}
        for axis, (index, count) in axes.items()
        if count > 1
    ]
    channels = layout.selection.channels
    of_channels = layout.channel_names or tuple(str(channel + 1) for channel in channels or ())
    return [
        *([Detail(_("Of the file"), ", ".join(chosen))] if chosen else []),
        *([Detail(_("Channels"), ", ".join(of_channels))] if of_channels else []),
    ]


def _no_data(description: FileDescription) -> list[Detail]:
    no_data = description.no_data
    if no_data is None:
        return []
    pixels = _("%(pixels)s pixels") % {"pixels": thousands(no_data.pixels)}
    return [Detail(_("No data"), pixels if no_data.value is None else f"{no_data.value:g}: {pixels}")]
