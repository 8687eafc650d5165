"""Areas: compared with PROJ's geodesic polygons, with numbers that are known, and with sums over single pixels."""

import tracemalloc

import numpy as np
import pyproj
import pytest

from segmentation.engine.imaging.areas import AreaMethod, pixel_areas
from segmentation.engine.imaging.crs import completed
from segmentation.engine.imaging.georeference import Crs, CrsKind, Georeference
from segmentation.engine.imaging.pixel_size import PixelSize, SizeSource

SHAPE = (120, 90)


def placed(epsg, transform, kind=CrsKind.PROJECTED):
    return completed(Georeference(crs=Crs(epsg=epsg, name="", kind=kind, unit_in_metres=None), transform=transform))


def areas(georeference=None, pixel_size=None, shape=SHAPE):
    return pixel_areas(shape, pixel_size=pixel_size, georeference=georeference)


def micrometres(width, height=None, source=SizeSource.OME):
    return PixelSize(width=width, height=height or width, unit="um", source=source)


def geodesic(georeference, shape=SHAPE):
    """The area of the outline of a picture, by geodesics between many points of it."""
    height, width = shape
    a, b, c, d, e, f = georeference.transform
    along = np.linspace(0, 1, 500)
    zero = np.zeros_like(along)
    columns = np.concatenate([along, zero + 1, 1 - along, zero]) * width
    rows = np.concatenate([zero, along, zero + 1, 1 - along]) * height
    x, y = a * columns + b * rows + c, d * columns + e * rows + f
    system = pyproj.CRS.from_epsg(georeference.crs.epsg)
    longitude, latitude = pyproj.Proj(system)(x, y, inverse=True) if system.is_projected else (x, y)
    return abs(system.get_geod().polygon_area_perimeter(longitude, latitude)[0])


PLACES = {
    "UTM on its meridian": placed(32633, (10, 0, 500_000, 0, -10, 5_000_000)),
    "UTM at its edge, rotated": placed(32633, (8, 6, 170_000, 6, -8, 5_000_000)),
    "Web Mercator at 50 degrees": placed(3857, (100, 0, 1_113_194.9, 0, -100, 6_430_000)),
    "feet": placed(2263, (3, 0, 1_000_000, 0, -3, 200_000)),
    "equal areas": placed(3035, (30, 0, 4_038_807, 0, -30, 3_515_109)),
    "degrees": placed(4326, (0.001, 0, 10, 0, -0.001, 50), CrsKind.GEOGRAPHIC),
    "degrees, rotated": placed(4326, (0.001, 0.0002, 10, 0.0002, -0.001, 50), CrsKind.GEOGRAPHIC),
    "across the 180th meridian": placed(3832, (2000, 0, 3_200_000, 0, -2000, 1_000_000)),
}


@pytest.mark.parametrize("place", PLACES)
def test_the_whole_picture_has_the_area_of_its_outline(place):
    found = areas(PLACES[place])
    assert (found.unit, found.method, found.notices) == ("m2", AreaMethod.ELLIPSOID, ())
    assert found.of_pixels(SHAPE[0] * SHAPE[1]).value == pytest.approx(geodesic(PLACES[place]), rel=3e-7)


def test_known_factors():
    utm, mercator = PLACES["UTM on its meridian"], PLACES["Web Mercator at 50 degrees"]
    assert areas(utm).mean == pytest.approx(100 / 0.9996**2, rel=1e-6)  # the scale on the meridian of a zone
    assert 100**2 / areas(mercator).mean == pytest.approx(2.405, rel=0.001)
    assert areas(PLACES["equal areas"]).mean == pytest.approx(900, rel=1e-9)


def test_a_pixel_of_a_thousandth_of_a_degree():
    place = placed(4326, (0.001, 0, 10, 0, -0.001, 50), CrsKind.GEOGRAPHIC)
    cell = pyproj.Geod(ellps="WGS84").polygon_area_perimeter([10, 10.001, 10.001, 10], [50, 50, 49.999, 49.999])[0]
    assert areas(place, shape=(1, 1)).mean == pytest.approx(abs(cell), rel=1e-8)


def test_the_whole_globe():
    place = placed(4326, (1, 0, -180, 0, -1, 90), CrsKind.GEOGRAPHIC)
    globe = areas(place, shape=(180, 360))
    assert globe.of_pixels(180 * 360).value == pytest.approx(5.1006562172e14, rel=1e-9)


def test_a_picture_with_the_pole_in_it():
    place = placed(3411, (25_000, 0, -3_850_000, 0, -25_000, 5_850_000))
    found = areas(place, shape=(448, 304))
    assert found.of_pixels(448 * 304).value == pytest.approx(geodesic(place, (448, 304)), rel=2e-4)


@pytest.mark.parametrize("place", ["UTM at its edge, rotated", "Web Mercator at 50 degrees", "degrees"])
def test_areas_of_labels_are_sums_of_their_pixels(place):
    labels = np.random.default_rng(1).integers(0, 5, SHAPE).astype(np.uint8)
    labels[:7] = 255  # no data
    found = areas(PLACES[place]).of_labels(labels, 5)
    a, b, c, d, e, f = PLACES[place].transform
    system = pyproj.CRS.from_epsg(PLACES[place].crs.epsg)
    geod = system.get_geod()
    exact = np.zeros(5)
    rows, columns = np.mgrid[: SHAPE[0] + 1, : SHAPE[1] + 1]
    x, y = a * columns + b * rows + c, d * columns + e * rows + f
    longitude, latitude = pyproj.Proj(system)(x, y, inverse=True) if system.is_projected else (x, y)
    for row in range(7, SHAPE[0]):
        for column in range(SHAPE[1]):
            corners = [row, row, row + 1, row + 1], [column, column + 1, column + 1, column]
            area = geod.polygon_area_perimeter(longitude[corners], latitude[corners])[0]
            exact[labels[row, column]] += abs(area)
    np.testing.assert_allclose(found, exact, rtol=2e-6)


def test_labels_of_a_picture_with_a_pixel_size():
    labels = np.array([[0, 0, 1], [2, 255, 1]], np.uint8)
    found = areas(pixel_size=micrometres(0.5, 0.25), shape=(2, 3))
    assert found.of_labels(labels, 3).tolist() == [0.25, 0.25, 0.125]
    assert (found.unit, found.method) == ("um2", AreaMethod.PIXEL_SIZE)
    assert found.of_pixels(256).value == 32


def test_without_a_size_pixels_are_counted():
    found = areas(shape=(2, 3))
    assert found.of_labels(np.array([[0, 0, 1], [1, 1, 1]]), 2).tolist() == [2, 4]
    assert (found.of_pixels(7).value, found.unit, found.method) == (7, "px", AreaMethod.PIXELS)


def test_what_a_person_says_comes_before_the_map():
    utm = PLACES["UTM on its meridian"]
    assert areas(utm, micrometres(2, source=SizeSource.PERSON)).of_pixels(1).value == 4
    from_map = PixelSize(width=10, height=10, unit="m", source=SizeSource.GEOTIFF)
    assert areas(utm, from_map).method == AreaMethod.ELLIPSOID


def test_a_user_defined_system_is_measured_in_its_plane():
    user = Georeference(
        crs=Crs(epsg=None, name="", kind=CrsKind.USER, unit_in_metres=1200 / 3937), transform=(100, 0, 0, 0, -100, 0)
    )
    found = areas(user)
    assert found.of_pixels(1).value == pytest.approx((100 * 1200 / 3937) ** 2)
    assert (found.unit, found.method) == ("m2", AreaMethod.PLANAR)
    assert [notice.code for notice in found.notices] == ["area_planar"]


def test_a_system_without_a_known_unit_leaves_pixels():
    user = Georeference(
        crs=Crs(epsg=None, name="", kind=CrsKind.USER, unit_in_metres=None), transform=(1, 0, 0, 0, -1, 0)
    )
    found = areas(user)
    assert (found.unit, found.method, [notice.code for notice in found.notices]) == ("px", "pixels", ["area_unknown"])


def test_a_picture_beyond_the_end_of_its_system_is_measured_in_the_plane():
    beyond = placed(32633, (1e6, 0, 0, 0, -1e6, 0))
    assert areas(beyond).method == AreaMethod.PLANAR
    south_of_the_pole = placed(4326, (1, 0, 0, 0, -1, 0), CrsKind.GEOGRAPHIC)
    assert areas(south_of_the_pole).method == AreaMethod.PIXELS


def test_a_map_of_another_shape_is_an_error():
    with pytest.raises(ValueError, match="shape"):
        areas().of_labels(np.zeros((3, 3), np.uint8), 1)


def test_a_large_picture_takes_a_few_megabytes():
    labels = np.zeros((2000, 3000), np.uint8)
    found = areas(placed(32633, (10, 0, 500_000, 0, -10, 5_000_000)), shape=labels.shape)
    tracemalloc.start()
    found.of_labels(labels, 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6


def test_the_network_stays_off():
    from pyproj import network  # noqa: PLC0415 - after a system was looked up

    assert areas(PLACES["feet"]).method == AreaMethod.ELLIPSOID
    assert not network.is_network_enabled()
