"""The area of pixels: counted, from the size of a pixel, in the plane of a map, or on the earth.

Maps distort areas: Web Mercator by a factor of 2.4 at 50 degrees of latitude, UTM by up to a tenth of a percent. On the earth
the area of a pixel is therefore computed on the authalic sphere, onto which the ellipsoid of the picture's system can be laid
without a change of any area (Snyder 1987, "Map Projections: A Working Manual", equations 3-11 to 3-13).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from segmentation.engine.imaging.crs import registered
from segmentation.engine.imaging.georeference import CrsKind, Georeference
from segmentation.engine.imaging.notices import Notice
from segmentation.engine.imaging.pixel_size import PixelSize, SizeSource

if TYPE_CHECKING:
    import pyproj

_NODES = 129  # of the grid on which areas are computed, across and down; between them they are interpolated
_PIXELS_AT_A_TIME = 2**17  # a few megabytes of memory, whatever the picture has
_POLE = math.pi / 2 + 1e-9  # radians of latitude, with what rounding adds

Field = NDArray[np.float64]


class AreaMethod(StrEnum):
    """How an area was computed."""

    PIXELS = "pixels"  # counted
    PIXEL_SIZE = "pixel_size"  # all pixels have one size
    PLANAR = "planar"  # in the plane of a map, which distorts
    ELLIPSOID = "ellipsoid"  # on the earth


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """An area with its unit."""

    value: float
    unit: str  # px, or a square: nm2, um2, mm2, m2 or km2
    method: AreaMethod


@dataclass(frozen=True, slots=True, kw_only=True)
class MapAreas:
    """The area of each component of a label map; that of a cluster is the sum of those of its components."""

    unit: str  # as of `Area`
    method: AreaMethod
    components: tuple[float, ...]

    @classmethod
    def of_counts(cls, pixels: Sequence[int], pixel_size: PixelSize | None) -> Self:
        """Return the areas of components with so many pixels of one size; in pixels when that is not known."""
        if pixel_size is None:
            return cls(unit="px", method=AreaMethod.PIXELS, components=tuple(map(float, pixels)))
        areas = tuple(count * pixel_size.area for count in pixels)
        return cls(unit=f"{pixel_size.unit}2", method=AreaMethod.PIXEL_SIZE, components=areas)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Parse what `to_mapping` has written."""
        components = tuple(map(float, mapping["components"]))
        return cls(unit=mapping["unit"], method=AreaMethod(mapping["method"]), components=components)

    def to_mapping(self) -> dict[str, Any]:
        """Return the areas as a JSON object; `from_mapping` is its inverse."""
        return {"unit": self.unit, "method": self.method.value, "components": list(self.components)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PixelAreas:
    """The area of each pixel of a picture.

    On the earth, `nodes` (M, N) are areas at points that are spread evenly over the picture, its corners included; a pixel
    has what lies at its centre, interpolated linearly in both directions. One column (height, 1) has the area of the pixels of
    each row. Where all pixels have one area, it is the only node (1, 1).
    """

    shape: tuple[int, int]  # height, width
    unit: str
    method: AreaMethod
    nodes: Field = field(default_factory=lambda: np.ones((1, 1)))
    notices: tuple[Notice, ...] = ()

    @property
    def mean(self) -> float:
        """The mean area of a pixel."""
        height, width = self.shape
        if self.nodes.shape[1] == 1:
            return float(self.nodes.mean())
        return float(_mean_weights(height) @ self.nodes @ _mean_weights(width))

    def of_pixels(self, pixels: float) -> Area:
        """Return the area of a number of pixels that may lie anywhere: of so many pixels of mean area."""
        return Area(value=pixels * self.mean, unit=self.unit, method=self.method)

    def of_map(self, labels: NDArray[np.integer], n_components: int) -> MapAreas:
        """Return the areas of the components of a label map; parameters and errors as for `of_labels`."""
        components = tuple(self.of_labels(labels, n_components).tolist())
        return MapAreas(unit=self.unit, method=self.method, components=components)

    def of_labels(self, labels: NDArray[np.integer], n_labels: int) -> Field:
        """Return the area of each label (n_labels,) of a map.

        Parameters
        ----------
        labels : ndarray, shape (height, width)
            Whole numbers; labels of `n_labels` and more, for example those of pixels without data, are left out.
        n_labels : int

        Raises
        ------
        ValueError
            When the map has another shape than the picture.
        """
        if labels.shape != self.shape:
            raise ValueError("The map has another shape than the picture.")
        sums = np.zeros(n_labels)
        for rows, areas in self._stretches():
            of_rows = np.minimum(labels[rows].astype(np.intp), n_labels).ravel()
            weights = None if areas is None else areas.ravel()
            sums += np.bincount(of_rows, weights, minlength=n_labels + 1)[:n_labels]
        return sums * self.nodes[0, 0] if self.nodes.size == 1 else sums

    def _stretches(self) -> Iterator[tuple[slice, Field | None]]:
        """The rows of a picture in slices, with the areas of their pixels; None where all have one area."""
        height, width = self.shape
        step = max(1, _PIXELS_AT_A_TIME // width)
        for first in range(0, height, step):
            rows = slice(first, min(first + step, height))
            if self.nodes.size == 1:
                yield rows, None
            elif self.nodes.shape[1] == 1:
                yield rows, np.broadcast_to(self.nodes[rows], (rows.stop - rows.start, width))
            else:
                above, below, share = _neighbours(np.arange(rows.start, rows.stop), height)
                left, right, share_across = _neighbours(np.arange(width), width)
                down = self.nodes[above] * (1 - share[:, None]) + self.nodes[below] * share[:, None]
                yield rows, down[:, left] * (1 - share_across) + down[:, right] * share_across


def pixel_areas(
    shape: tuple[int, int], *, pixel_size: PixelSize | None, georeference: Georeference | None
) -> PixelAreas:
    """Return the areas of the pixels of a picture.

    A size that is not from the georeference itself, above all one that a person has given, comes first.

    Parameters
    ----------
    shape : tuple of int
        Height and width.
    pixel_size : PixelSize or None
    georeference : Georeference or None
    """
    if pixel_size is not None and (georeference is None or pixel_size.source is not SizeSource.GEOTIFF):
        area = np.full((1, 1), pixel_size.area)
        return PixelAreas(shape=shape, unit=f"{pixel_size.unit}2", method=AreaMethod.PIXEL_SIZE, nodes=area)
    if georeference is None:
        return PixelAreas(shape=shape, unit="px", method=AreaMethod.PIXELS)
    system = None if georeference.crs.epsg is None else registered(georeference.crs.epsg)
    nodes = None if system is None else _areas_on_earth(shape, georeference, system)
    if nodes is not None:
        return PixelAreas(shape=shape, unit="m2", method=AreaMethod.ELLIPSOID, nodes=nodes)
    return _planar(shape, georeference)


def _planar(shape: tuple[int, int], georeference: Georeference) -> PixelAreas:
    unit = georeference.crs.unit_in_metres
    if unit is None or georeference.crs.kind is CrsKind.GEOGRAPHIC:
        notices = (Notice("area_unknown"),)
        return PixelAreas(shape=shape, unit="px", method=AreaMethod.PIXELS, notices=notices)
    area = np.full((1, 1), georeference.area * unit**2)
    notices = (Notice("area_planar"),)
    return PixelAreas(shape=shape, unit="m2", method=AreaMethod.PLANAR, nodes=area, notices=notices)


def _areas_on_earth(shape: tuple[int, int], georeference: Georeference, system: "pyproj.CRS") -> Field | None:
    """Return the areas of pixels at the nodes in square metres; None when the picture reaches beyond what its system covers."""
    height, width = shape
    is_north_up = georeference.transform[1] == georeference.transform[3] == 0
    if system.is_geographic and is_north_up:
        areas = _areas_of_rows(height, georeference, system)
    else:
        columns, rows = np.linspace(0, width, _NODES), np.linspace(0, height, _NODES)
        points = _on_sphere(*_on_earth(*np.meshgrid(columns, rows), georeference, system), system)
        down, across = np.gradient(points, rows, columns, axis=(0, 1), edge_order=2)
        areas = np.linalg.norm(np.cross(down, across), axis=2)
    return areas if np.isfinite(areas).all() and (areas > 0).all() else None


def _areas_of_rows(height: int, georeference: Georeference, system: "pyproj.CRS") -> Field:
    """Return the area (height, 1) of a pixel of each row of a picture in degrees whose rows are parallels."""
    longitude, latitude = _on_earth(np.array([[0.0], [1.0]]), np.arange(height + 1.0), georeference, system)
    zones = np.diff(_area_from_equator(latitude[0], system))
    areas: Field = np.abs(zones[:, None] * (longitude[1, 0] - longitude[0, 0]))
    return areas


def _on_earth(columns: Field, rows: Field, georeference: Georeference, system: "pyproj.CRS") -> tuple[Field, Field]:
    """Return longitude and latitude in radians of places in a picture; not a number where its system ends."""
    a, b, c, d, e, f = georeference.transform
    x, y = a * columns + b * rows + c, d * columns + e * rows + f
    if system.is_projected:
        import pyproj  # noqa: PLC0415 - loaded with the system

        longitude, latitude = pyproj.Proj(system)(x, y, inverse=True, radians=True)
    else:
        radians = system.axis_info[0].unit_conversion_factor
        longitude, latitude = x * radians, y * radians
    is_covered = np.isfinite(longitude) & (np.abs(latitude) <= _POLE)
    return np.where(is_covered, longitude, np.nan), np.where(is_covered, latitude, np.nan)


def _on_sphere(longitude: Field, latitude: Field, system: "pyproj.CRS") -> Field:
    """Return points (M, N, 3), in metres from its centre, on the authalic sphere."""
    whole = float(_area_from_equator(np.array(math.pi / 2), system))
    sine = (_area_from_equator(latitude, system) / whole).clip(-1, 1)
    cosine = np.sqrt(1 - sine**2)
    points = np.stack([cosine * np.cos(longitude), cosine * np.sin(longitude), sine], axis=-1)
    return math.sqrt(whole) * points


def _area_from_equator(latitude: Field, system: "pyproj.CRS") -> Field:
    """Return the area in square metres from the equator up to latitudes in radians, for each radian of longitude."""
    ellipsoid = system.get_geod()
    if ellipsoid is None:
        raise ValueError("The system has no ellipsoid.")
    axis, eccentricity, sine = ellipsoid.a, math.sqrt(ellipsoid.es), np.sin(latitude)
    if eccentricity == 0:  # a sphere
        return np.asarray(axis**2 * sine, np.float64)
    q = sine / (1 - (eccentricity * sine) ** 2) + np.arctanh(eccentricity * sine) / eccentricity
    return np.asarray(axis**2 * (1 - eccentricity**2) * q / 2, np.float64)


def _neighbours(pixels: NDArray[np.integer], size: int) -> tuple[NDArray[np.integer], NDArray[np.integer], Field]:
    """Return between which nodes the centres of pixels lie on a side, and how far from the first, 0 to 1."""
    exact = (pixels + 0.5) / size * (_NODES - 1)
    first = np.minimum(exact.astype(np.intp), _NODES - 2)
    return first, first + 1, exact - first


def _mean_weights(size: int) -> Field:
    """Return the weight of each node in the mean over all pixels of a side."""
    first, second, share = _neighbours(np.arange(size), size)
    weights = np.bincount(first, 1 - share, minlength=_NODES) + np.bincount(second, share, minlength=_NODES)
    return np.asarray(weights / size, np.float64)
