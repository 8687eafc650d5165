"""The size of pixels and the place of a picture, as its file says them."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

from segmentation.engine.imaging import orientation
from segmentation.engine.imaging.crs import completed
from segmentation.engine.imaging.georeference import CrsKind, Georeference
from segmentation.engine.imaging.notices import Notice
from segmentation.engine.imaging.pixel_size import PixelSize, SizeSource, size_in_metres, size_of_resolution

if TYPE_CHECKING:
    from segmentation.engine.imaging.decoding import Picture
    from segmentation.engine.imaging.inspection import Inspection

P = TypeVar("P", "Picture", "Inspection")

_ORIENTATION_TAG = 274
_FIRST_TRANSPOSED = 5  # of the orientations: from it on, width and height are exchanged
_METRES_OF_INCH = 0.0254


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What is known of the size and the place of the pixels of a picture."""

    pixel_size: PixelSize | None = None
    pixel_size_suggested: PixelSize | None = None  # for people to confirm; None where the size is known
    georeference: Georeference | None = None
    notices: tuple[Notice, ...] = ()

    def upright(self, stored_orientation: int) -> Self:
        """Return the calibration of the picture after it was turned upright."""
        if stored_orientation < _FIRST_TRANSPOSED:
            return self
        known, suggested = self.pixel_size, self.pixel_size_suggested
        return replace(
            self,
            pixel_size=None if known is None else known.transposed(),
            pixel_size_suggested=None if suggested is None else suggested.transposed(),
        )


def from_tiff(file: Any, page: Any, image: int) -> Calibration:
    """Return the calibration of a picture in an open TIFF file, upright.

    Parameters
    ----------
    file : tifffile.TiffFile
    page : tifffile.TiffPage
        The page that holds the picture, or its first plane.
    image : int
        The number of the picture among those of the file, without overviews and masks.
    """
    from segmentation.engine.imaging import geotiff, tiff_pixel_size  # noqa: PLC0415 - they need it, and only TIFF does

    georeference, notices = geotiff.read_georeference(page)
    picture = tiff_pixel_size.TiffPicture(file=file, page=page, image=image)
    known = tiff_pixel_size.read_pixel_size(picture)
    if known is None and georeference is not None:
        known = size_of_georeference(georeference)
    has_size = known is not None or georeference is not None
    suggested = None if has_size else tiff_pixel_size.read_suggested_size(picture)
    stored_orientation = page.tags.valueof(_ORIENTATION_TAG, default=orientation.UPRIGHT)
    found = Calibration(
        pixel_size=known, pixel_size_suggested=suggested, georeference=georeference, notices=tuple(notices)
    )
    return found.upright(stored_orientation) if stored_orientation in range(1, 9) else found


def from_metadata(metadata: dict[str, Any]) -> Calibration:
    """Return the calibration that the resolution among the metadata of a file suggests, in its stored orientation."""
    dpi = metadata.get("dpi")
    if dpi is None or list(dpi) == [1, 1]:
        return Calibration()
    across, down = dpi
    return Calibration(pixel_size_suggested=size_of_resolution(across, down, _METRES_OF_INCH, SizeSource.RESOLUTION))


def size_of_georeference(georeference: Georeference) -> PixelSize | None:
    """Return the size of a pixel in the plane of a map; None for degrees, and where the unit is not known."""
    unit, (width, height) = georeference.crs.unit_in_metres, georeference.steps
    if unit is None or georeference.crs.kind is CrsKind.GEOGRAPHIC:
        return None
    return size_in_metres(width * unit, height * unit, SizeSource.GEOTIFF)


def with_registered_crs(found: P) -> P:
    """Return a picture or an inspection with what the register of EPSG says of its coordinate reference system.

    The decoder cannot look there: it opens no file.
    """
    if found.georeference is None or found.georeference.crs.epsg is None:
        return found
    georeference = completed(found.georeference)
    notices = (Notice("crs_user_defined"),) if georeference.crs.kind is CrsKind.USER else ()
    from_file = found.pixel_size is not None and found.pixel_size.source is not SizeSource.GEOTIFF
    return replace(
        found,
        georeference=georeference,
        pixel_size=found.pixel_size if from_file else size_of_georeference(georeference),
        notices=found.notices + notices,
    )
