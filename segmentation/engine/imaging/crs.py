"""What the register of EPSG says of a coordinate reference system, by PROJ; imported only when a picture has one."""

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from segmentation.engine.imaging.georeference import Crs, CrsKind, Georeference

if TYPE_CHECKING:
    import pyproj

_LONGEST_NAME = 200
_AXES = 2
_MOST_SYSTEMS = 50  # that are remembered


@lru_cache(maxsize=_MOST_SYSTEMS)
def registered(epsg: int) -> "pyproj.CRS | None":
    """Return a system of the register, projected or geographic in two dimensions; None for any other code."""
    import pyproj  # noqa: PLC0415 - takes megabytes; few pictures have a place
    from pyproj import network  # noqa: PLC0415 - the same

    network.set_network_enabled(active=False)  # type: ignore[attr-defined]  # documented, but not listed in __all__
    try:
        system = pyproj.CRS.from_epsg(epsg)
    except pyproj.exceptions.CRSError:
        return None
    is_plane_or_globe = (system.is_projected or system.is_geographic) and len(system.axis_info) >= _AXES
    return system if is_plane_or_globe and system.ellipsoid is not None else None


def completed(georeference: Georeference) -> Georeference:
    """Return a georeference with the name, kind and unit that the register has for its system.

    A code that the register does not know makes the system a user-defined one.
    """
    epsg = georeference.crs.epsg
    if epsg is None:
        return georeference
    system = registered(epsg)
    if system is None:
        return replace(georeference, crs=replace(georeference.crs, epsg=None, kind=CrsKind.USER))
    kind = CrsKind.PROJECTED if system.is_projected else CrsKind.GEOGRAPHIC
    unit = float(system.axis_info[0].unit_conversion_factor) if system.is_projected else None
    name = system.name[:_LONGEST_NAME]
    return replace(georeference, crs=Crs(epsg=epsg, name=name, kind=kind, unit_in_metres=unit))
