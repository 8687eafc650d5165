"""The place of a picture: what GDAL reads from the same tags, and what is refused."""

import json

import numpy as np
import pytest

from segmentation.engine import decoder
from segmentation.engine.imaging.georeference import Crs, CrsKind, Georeference
from tests.engine.imaging.geotiffs import degrees, geotiff, user_defined, utm
from tests.engine.imaging.pictures import LIMITS, codes, grey, read, saved, tiff

UTM = {"epsg": 32633, "name": "WGS 84 / UTM zone 33N", "kind": "projected", "unit_in_metres": 1.0}


def test_a_projected_system_as_the_contract_writes_it():
    picture = read(utm())
    assert picture.georeference.to_mapping() == {"crs": UTM, "transform": [10, 0, 500_000, 0, -10, 5_000_000]}
    assert picture.pixel_size.to_mapping() == {"width": 10, "height": 10, "unit": "m", "source": "geotiff"}
    assert picture.pixel_size_suggested is None
    assert codes(picture) == ["grey"]


def test_a_tie_point_inside_the_picture():
    assert read(utm(points=(2, 3, 0, 500_020, 4_999_970, 0))).georeference == read(utm()).georeference


def test_a_tie_point_at_the_centre_of_a_pixel_is_moved_by_half_a_pixel():
    keys = [(1024, 0, 1, 1), (1025, 0, 1, 2), (3072, 0, 1, 32633)]
    at_centre = read(utm(keys=keys, points=(0, 0, 0, 500_005, 4_999_995, 0))).georeference
    assert at_centre.transform == read(utm()).georeference.transform


def test_a_rotated_picture_keeps_its_matrix():
    matrix = (8.0, 6.0, 0, 500_000, 6.0, -8.0, 0, 5_000_000, 0, 0, 0, 0, 0, 0, 0, 1)
    picture = read(utm(scale=None, points=None, matrix=matrix))
    assert picture.georeference.transform == (8, 6, 500_000, 6, -8, 5_000_000)
    assert (picture.pixel_size.width, picture.pixel_size.height) == (10, 10)
    keys = [(1024, 0, 1, 1), (1025, 0, 1, 2), (3072, 0, 1, 32633)]
    moved = read(utm(scale=None, points=None, matrix=matrix, keys=keys)).georeference
    assert moved.transform == (8, 6, 500_000 - 7, 6, -8, 5_000_000 + 1)


def test_degrees_have_no_size_in_metres():
    picture = read(degrees())
    assert picture.georeference.crs == Crs(epsg=4326, name="", kind=CrsKind.GEOGRAPHIC, unit_in_metres=None)
    assert picture.georeference.transform == (0.001, 0, 10, 0, -0.001, 50)
    assert picture.pixel_size is None


def test_a_user_defined_system_has_its_unit_and_is_told():
    picture = read(user_defined())
    assert (picture.georeference.crs.epsg, picture.georeference.crs.kind) == (None, CrsKind.USER)
    assert picture.georeference.crs.unit_in_metres == pytest.approx(0.3048006096)
    assert picture.pixel_size.width == pytest.approx(30.48006096)
    assert codes(picture) == ["grey", "crs_user_defined"]


def test_a_unit_of_its_own_size():
    keys = [(1024, 0, 1, 1), (3072, 0, 1, 32767), (3076, 0, 1, 32767), (3077, 34736, 1, 0)]
    assert read(user_defined(keys=keys, doubles=[0.9144])).georeference.crs.unit_in_metres == 0.9144


def test_a_picture_stored_turned_keeps_its_pixels_and_loses_its_place():
    picture = read(utm(extratags=[(274, "H", 1, 6, True)]))
    assert picture.georeference is None
    assert "georeference_turned" in codes(picture)
    assert picture.pixels.shape[:2] == (8, 6)


def test_control_points_are_told():
    points = (0, 0, 0, 500_000, 5_000_000, 0, 8, 6, 0, 500_080, 4_999_940, 0)
    picture = read(utm(scale=None, points=points))
    assert picture.georeference is None
    assert "control_points_ignored" in codes(picture)


def test_a_picture_without_tags_has_no_place():
    assert read(tiff(grey())).georeference is None
    assert read(saved(grey(), "PNG")).georeference is None


@pytest.mark.parametrize(
    "tags",
    [
        {"scale": (0, 0, 0)},
        {"scale": (float("nan"), 10, 0)},
        {"scale": (float("inf"), 10, 0)},
        {"points": (0, 0, 0, 1e300, 0, 0)},
        {"scale": (1e-200, 1e-200, 0)},
        {"keys": [(1024, 0, 1, 3)]},
        {"keys": [(3076, 0, 1, 32767), (3077, 34736, 1, 0)], "doubles": [-5.0]},
        {"matrix": (float("nan"),) * 16},
    ],
)
def test_nonsense_is_told_and_ignored(tags):
    picture = read(utm(**tags))
    assert picture.georeference is None
    assert codes(picture) == ["grey", "georeference_ignored"]


@pytest.mark.parametrize(
    "keys",
    [
        [(1024, 0, 1, 1), (3072, 0, 1, 32633), (3073, 34737, 60_000, 50_000), (3077, 34736, 1, 60_000)],
        [(1024, 0, 1, 1), (3072, 34737, 4, 0)],
        [(1024, 34735, 1, 0)],
    ],
)
def test_keys_that_point_beyond_their_tags_are_left_out(keys):
    assert read(utm(keys=keys)).georeference.transform == (10, 0, 500_000, 0, -10, 5_000_000)


def test_names_are_cut_and_printable():
    text = "WGS\0\n\x1b[31m" + "x" * 5000 + "|"
    keys = [(1024, 0, 1, 1), (1026, 34737, len(text), 0), (3072, 0, 1, 32633)]
    name = read(geotiff(keys=keys, scale=(1, 1, 0), points=(0,) * 6, text=text)).georeference.crs.name
    assert len(name) <= 200
    assert name.isprintable()


def test_the_register_gives_name_and_unit_that_the_file_leaves_out():
    bare = [(1024, 0, 1, 1), (1025, 0, 1, 1), (3072, 0, 1, 2263)]
    found = decoder.inspect(utm(keys=bare), name="a.tif", limits=LIMITS)
    assert found.georeference.crs.name == "NAD83 / New York Long Island (ftUS)"
    assert found.georeference.crs.unit_in_metres == pytest.approx(1200 / 3937)
    assert found.pixel_size.width == pytest.approx(10 * 1200 / 3937)
    assert decoder.decode(utm(keys=bare), name="a.tif", limits=LIMITS).georeference == found.georeference


def test_the_register_says_that_a_code_is_of_degrees():
    found = decoder.inspect(degrees(), name="a.tif", limits=LIMITS)
    assert found.georeference.crs == Crs(epsg=4326, name="WGS 84", kind=CrsKind.GEOGRAPHIC, unit_in_metres=None)


def test_a_code_that_the_register_lacks_is_a_user_defined_system():
    keys = [(1024, 0, 1, 1), (3072, 0, 1, 30999), (3076, 0, 1, 9001)]
    found = decoder.inspect(utm(keys=keys), name="a.tif", limits=LIMITS)
    assert (found.georeference.crs.kind, found.georeference.crs.epsg) == (CrsKind.USER, None)
    assert found.pixel_size.width == 10
    assert "crs_user_defined" in [notice.code for notice in found.notices]


def test_json_both_ways():
    georeference = read(utm()).georeference
    assert Georeference.from_mapping(json.loads(json.dumps(georeference.to_mapping()))) == georeference


GOOD = {"crs": UTM, "transform": [10, 0, 500_000, 0, -10, 5_000_000]}


@pytest.mark.parametrize(
    "bad",
    [
        None, [], {}, {"crs": UTM}, GOOD | {"owner": 1}, GOOD | {"crs": None}, GOOD | {"transform": "abcdef"},
        GOOD | {"transform": [1, 2, 3]}, GOOD | {"transform": [10, 0, 0, 0, 0, 0]}, GOOD | {"transform": [True, 0, 0, 0, 1, 0]},
        GOOD | {"transform": [1e400, 0, 0, 0, 1, 0]}, GOOD | {"transform": [10**400, 0, 0, 0, 1, 0]},
        GOOD | {"transform": [float("nan"), 0, 0, 0, 1, 0]}, GOOD | {"transform": ["10", 0, 0, 0, 1, 0]},
        GOOD | {"crs": UTM | {"epsg": -1}}, GOOD | {"crs": UTM | {"epsg": 1.5}}, GOOD | {"crs": UTM | {"epsg": 10**400}},
        GOOD | {"crs": UTM | {"kind": "flat"}}, GOOD | {"crs": UTM | {"kind": ["projected"]}},
        GOOD | {"crs": UTM | {"name": "x" * 201}}, GOOD | {"crs": UTM | {"name": "\x1b"}}, GOOD | {"crs": UTM | {"name": None}},
        GOOD | {"crs": UTM | {"unit_in_metres": 0}}, GOOD | {"crs": UTM | {"unit_in_metres": float("inf")}},
    ],
)  # fmt: skip
def test_other_json_is_refused(bad):
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says, the caller treats it alike
        Georeference.from_mapping(bad)


def test_a_place_changes_no_pixel():
    values = grey((6, 8), seed=4)
    np.testing.assert_array_equal(read(utm(values=values)).data[:, :, 0], values)
