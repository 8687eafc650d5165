"""The areas of clusters on a run's page, in one unit that suits the largest of them, and the values of their bands."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from segmentation import services
from segmentation.engine.imaging.areas import AreaMethod
from segmentation.engine.legend import ClusterStatistics
from segmentation.formatting import area_unit, four_digits, significant
from segmentation.views.file_details import size_with_source

_ON_GROUND = {AreaMethod.PLANAR, AreaMethod.ELLIPSOID}
_OF = {
    AreaMethod.PLANAR: gettext_lazy(
        "Areas are those of the pixels of each cluster in the plane of the map, which may distort them."
    ),
    AreaMethod.ELLIPSOID: gettext_lazy("Areas are those of the pixels of each cluster on the surface of the earth."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaCell:
    """The area of one cluster, or of the foreground."""

    text: str
    value: str  # the number in the unit of the table, for scripts


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaColumn:
    """The column of areas: its unit, what it is of, a cell for each cluster in order, and one for the foreground."""

    unit: str
    note: str
    cells: Sequence[AreaCell]
    foreground: AreaCell


def area_column(stored: services.StoredResult) -> AreaColumn | None:
    """Return the areas of the clusters of a result; None when the size of a pixel is not known."""
    method = stored.areas.method
    if method is AreaMethod.PIXELS:
        return None
    unit, size = area_unit(max(stored.cluster_areas), stored.areas.unit, on_ground=method in _ON_GROUND)
    areas = [area / size for area in stored.cluster_areas]
    chosen = (area for area, cluster in zip(areas, stored.legend.clusters, strict=True) if cluster.foreground)
    return AreaColumn(
        unit=unit, note=_note(stored), cells=[_cell(area) for area in areas], foreground=_cell(sum(chosen))
    )


def _cell(area: float) -> AreaCell:
    return AreaCell(text=four_digits(area), value=repr(area))


def _note(stored: services.StoredResult) -> str:
    method, size = stored.areas.method, stored.picture.description.pixel_size
    if method in _OF:
        return str(_OF[method])
    return _("Areas are those of the pixels of each cluster. A pixel is %(size)s.") % {"size": size_with_source(size)}


@dataclass(frozen=True, slots=True, kw_only=True)
class BandTable:
    """Mean and spread of each band over the pixels of each cluster, as text."""

    names: Sequence[str]  # of the bands
    rows: Sequence[tuple[ClusterStatistics, Sequence[tuple[str, str]]]]


def band_table(stored: services.StoredResult) -> BandTable | None:
    """Return the values of the bands of a result; None for pictures of one or three bands of 8 bits."""
    bands = [stored.bands_of(cluster) for cluster in stored.clusters]
    first = next((found for found in bands if found), None)
    if first is None:
        return None
    names = [band.name or _("Band %(n)s") % {"n": number} for number, band in enumerate(first, start=1)]
    rows = [
        (cluster, [(significant(band.mean), significant(band.sd)) for band in found])
        for cluster, found in zip(stored.clusters, bands, strict=True)
    ]
    return BandTable(names=names, rows=rows)
