"""The size of a pixel: from every place that is trusted, in its order, and never from nonsense."""

import json
import struct
from io import BytesIO

import numpy as np
import pytest
import tifffile

from segmentation.engine import decoder
from segmentation.engine.imaging import decode
from segmentation.engine.imaging.areas import pixel_areas
from segmentation.engine.imaging.pixel_size import PixelSize, SizeSource, metres_of, size_of_text
from segmentation.engine.recipe import Reading, Selection
from tests.engine.imaging.geotiffs import utm
from tests.engine.imaging.pictures import LIMITS, chunk, grey, read, saved, tiff


def size(data):
    """Width, height, unit and source of a pixel of a file."""
    found = read(data).pixel_size
    return None if found is None else (found.width, found.height, found.unit, found.source)


def suggested(data):
    found = read(data).pixel_size_suggested
    return None if found is None else (found.width, found.height, found.unit, found.source)


def ome(**metadata):
    return tiff(grey((8, 8)), ome=True, photometric="minisblack", metadata={"axes": "YX"} | metadata)


def imagej(unit, resolution=(2, 2)):
    return tiff(grey((8, 8)), imagej=True, resolution=resolution, metadata={"axes": "YX", "unit": unit})


def tagged(*tags, shape=(8, 8), **options):
    """A TIFF with private tags."""
    return tiff(grey(shape), metadata=None, extratags=list(tags), **options)


# --- OME and ImageJ -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"PhysicalSizeX": 0.25, "PhysicalSizeY": 0.5}, (0.25, 0.5, "um")),  # the unit that the schema has by default
        ({"PhysicalSizeX": 65, "PhysicalSizeXUnit": "nm", "PhysicalSizeY": 65, "PhysicalSizeYUnit": "nm"}, (65, 65, "nm")),
        ({"PhysicalSizeX": 1, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 500, "PhysicalSizeYUnit": "nm"}, (1, 0.5, "um")),
        ({"PhysicalSizeX": 2, "PhysicalSizeXUnit": "Å", "PhysicalSizeY": 2, "PhysicalSizeYUnit": "Å"}, (0.2, 0.2, "nm")),
        ({"PhysicalSizeX": 1, "PhysicalSizeXUnit": "in", "PhysicalSizeY": 1, "PhysicalSizeYUnit": "in"}, (25.4, 25.4, "mm")),
    ],
)  # fmt: skip
def test_ome(given, expected):
    assert size(ome(**given)) == (*expected, "ome")


def test_ome_without_a_size_in_pixels_or_with_nonsense():
    assert size(ome()) is None
    assert size(ome(PhysicalSizeX=1, PhysicalSizeXUnit="pixel", PhysicalSizeY=1, PhysicalSizeYUnit="pixel")) is None
    for number in (0, -1, "1e400", "inf", "nan", "9" * 5000):
        assert size(ome(PhysicalSizeX=number, PhysicalSizeY=number)) is None


@pytest.mark.parametrize("unit", ["um", "micron", "microns", "\\u00B5m", "µm", "micrometre", "Micrometer"])
def test_imagej_in_any_spelling_of_the_micrometre(unit):
    text = f"ImageJ=1.54f\nimages=1\nunit={unit}\n".encode()
    data = tiff(grey(), metadata=None, description=text, resolution=(2, 2), resolutionunit=1, photometric="minisblack")
    assert size(data) == (0.5, 0.5, "um", "imagej")


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("inch", 12.7),
        ("cm", 5),
        ("mm", 0.5),
        ("nm", 0.5),
        ("pixel", None),
        ("pixels", None),
        ("", None),
        ("seconds", None),
    ],
)
def test_imagej_in_other_units(unit, expected):
    found = size(imagej(unit))
    assert (None if found is None else found[0]) == expected


def test_damaged_ome_is_no_reason_to_refuse_the_picture():
    values = grey((8, 8))
    picture = read(tiff(values, metadata=None, description="<?xml version='1.0'?><OME><broken></OME>"))
    np.testing.assert_array_equal(picture.data[:, :, 0], values)
    assert picture.pixel_size is None


def test_imagej_without_a_unit_or_with_a_resolution_of_nothing():
    assert size(tiff(grey(), imagej=True, resolution=(2, 2), metadata={"axes": "YX"})) is None


# --- instruments ----------------------------------------------------------------------------------------------------------


def test_fei_in_metres():
    text = "[Scan]\r\nPixelWidth=7.70833e-009\r\nPixelHeight=7.70833e-009\r\n"
    assert size(tagged((34682, "s", 0, text, True))) == (7.70833, 7.70833, "nm", "fei")
    beam = "[IRBeam]\r\nHFW=0.0001024\r\nVFW=0.0000768\r\n[Image]\r\nResolutionX=1024\r\nResolutionY=768\r\n"
    assert size(tagged((34682, "s", 0, beam, True))) == (0.1, 0.1, "um", "fei")


def test_zeiss_of_a_screen_of_1024_pixels():
    lines = ["0", "0", "0", "2.233e-07", "0", "0", "DP_X", "x = 1"]
    found = size(tagged((34118, "s", 0, "\r\n".join(lines), True), shape=(8, 2048)))
    assert found == (0.11165, 0.11165, "um", "zeiss")


def test_olympus_sis_on_the_second_page():
    """The tag and the structure that it points to, put together by hand: magic, date, name, and one entry of general data."""
    file = BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(grey((8, 8)), metadata=None)
        writer.write(grey((4, 4)), metadata=None, extratags=[(33560, "I", 1, 0x12345678, True)])
    data = bytearray(file.getvalue())
    where = len(data)
    entry = where + 60 + 8
    head = b"SIS0" + bytes(6) + struct.pack("<hhhhh", 0, 0, 1, 0, 100) + bytes(6) + b"name".ljust(32, b"\0")
    head += struct.pack("<H", 1)
    general = bytes(10) + struct.pack("<hdd", 0, 2.39e-11, 2.39e-11) + bytes(8) + struct.pack("<d", 1) + bytes(2)
    general += b"camera".ljust(34, b"\0") + b"type".ljust(32, b"\0")
    assert len(head) == 60
    data += head + struct.pack("<hhI", 1, 1, entry) + general + bytes(200)
    at = bytes(data).index(struct.pack("<I", 0x12345678))
    data[at : at + 4] = struct.pack("<I", where)
    found = size(bytes(data))
    assert found is not None
    assert found[0] == pytest.approx(0.0239)
    assert found[2:] == ("nm", "sis")


def test_tvips_in_nanometres():
    types = tifffile.TIFF.TVIPS_HEADER_V1
    second = tifffile.TIFF.TVIPS_HEADER_V2
    header = np.zeros(1, np.dtype(types))
    header["Version"] = 2
    rest = np.zeros(1, np.dtype(second))
    rest["Magic"], rest["PixelSizeX"], rest["PixelSizeY"] = 0xAAAAAAAA, 1.5, 1.5
    body = header.tobytes() + rest.tobytes()
    assert size(tagged((37706, "B", len(body), body, True))) == (1.5, 1.5, "nm", "tvips")


def test_digital_micrograph():
    tags = [(65003, "s", 0, "µm".encode("latin-1") + b"\0", True), (65004, "s", 0, "nm", True)]
    tags += [(65009, "d", 1, 0.25, True), (65010, "d", 1, 168.7, True)]
    assert size(tagged(*tags)) == (168.7, 250.0, "nm", "digitalmicrograph")


def test_jeol_of_the_magnification_of_an_image_only():
    def report(mode):
        return (
            "<TemReporter><Eos><EosMode>eosTEM</EosMode></Eos><ImageFormingSystem><ModeString>"
            f"{mode}</ModeString><SelectorValue>10000</SelectorValue></ImageFormingSystem></TemReporter>"
        )

    def of(mode):
        return tiff(
            grey(), metadata=None, description=report(mode), resolution=(1000, 1000), resolutionunit=3,
            extratags=[(271, "s", 0, "JEOL Ltd.", True)],
        )  # fmt: skip

    assert size(of("MAG")) == (1.0, 1.0, "nm", "jeol")  # 10 um of the detector, 10,000 times
    assert size(of("DIFF")) is None


def test_aperio_svs_and_its_false_resolution():
    data = tiff(
        grey(), metadata=None, description="Aperio Image Library v11\r\n8x8 |AppMag = 20|MPP = 0.4990|Left = 25",
        resolution=(1, 1), resolutionunit=2,
    )  # fmt: skip
    assert size(data) == (0.499, 0.499, "um", "svs")


def test_ndpi():
    tags = [(65420, "I", 1, 1, True), (271, "s", 0, "Hamamatsu", True)]
    data = tagged(*tags, resolution=(20_000, 20_000), resolutionunit=3)
    assert size(data) == (0.5, 0.5, "um", "ndpi")


@pytest.mark.parametrize("number", ["0", "-1", "1e400", "inf", "nan", "9" * 5000, "", "x"])
def test_numbers_of_instruments_that_make_no_sense(number):
    assert size(tagged((34682, "s", 0, f"[Scan]\r\nPixelWidth={number}\r\nPixelHeight={number}\r\n", True))) is None
    assert size(tiff(grey(), metadata=None, description=f"Aperio Image|MPP = {number}|")) is None


def test_a_damaged_place_leaves_the_next_one_its_turn():
    broken = tagged((34118, "s", 0, "nothing", True), (34682, "s", 0, "[Scan]\r\nPixelWidth=1e-6\r\n", True))
    assert size(broken) == (1.0, 1.0, "um", "fei")
    broken = utm(extratags=[(34118, "s", 0, "0", True)])
    assert size(broken) == (10.0, 10.0, "m", "geotiff")


def test_ome_is_trusted_before_the_tags_of_instruments():
    data = tiff(
        grey(), ome=True, photometric="minisblack", metadata={"axes": "YX", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.25},
        extratags=[(34682, "s", 0, "[Scan]\r\nPixelWidth=1e-6\r\nPixelHeight=1e-6\r\n", True)],
    )  # fmt: skip
    assert size(data)[3] == "ome"


# --- resolutions ----------------------------------------------------------------------------------------------------------


def test_resolutions_are_suggested_and_never_used():
    files = {
        (84.6666666667, 84.6666666667, "um"): [
            saved(grey(), "JPEG", dpi=(300, 300)), saved(grey(), "TIFF", dpi=(300, 300)),
            tiff(grey().astype(np.uint16), metadata=None, resolution=(300, 300), resolutionunit=2),
        ],
        (0.5, 0.5, "um"): [
            saved(grey(), "PNG", dpi=(50_800, 50_800)),
            tiff(grey(), metadata=None, resolution=(20_000, 20_000), resolutionunit=3),
        ],
    }  # fmt: skip
    for expected, made in files.items():
        for data in made:
            found = suggested(data)
            assert found[2:] == (expected[2], "resolution")
            assert found[:2] == pytest.approx(expected[:2], rel=1e-3)
            assert size(data) is None


def test_what_programs_write_that_know_no_resolution_suggests_nothing():
    assert suggested(tiff(grey(), metadata=None, resolution=(1, 1), resolutionunit=2)) is None
    assert suggested(tiff(grey(), metadata=None, resolution=(300, 300), resolutionunit=1)) is None
    assert suggested(tiff(grey(), metadata=None)) is None
    assert suggested(saved(grey(), "PNG")) is None


def test_a_known_size_needs_no_suggestion():
    assert suggested(ome(PhysicalSizeX=0.25, PhysicalSizeY=0.25)) is None
    assert suggested(utm(resolution=(300, 300), resolutionunit=2)) is None


def test_a_picture_turned_by_a_quarter_has_width_and_height_exchanged():
    turned = (274, "H", 1, 6, True)
    text = "[Scan]\r\nPixelWidth=1e-6\r\nPixelHeight=2e-6\r\n"
    for values in (grey((6, 8)), grey((6, 8)).astype(np.uint16)):
        found = read(tiff(values, metadata=None, extratags=[turned, (34682, "s", 0, text, True)]))
        assert found.pixels.shape[:2] == (8, 6)
        assert (found.pixel_size.width, found.pixel_size.height) == (2, 1)


# --- the value ------------------------------------------------------------------------------------------------------------


def test_sizes_come_out_of_the_decoder():
    known = decoder.inspect(ome(PhysicalSizeX=0.25, PhysicalSizeY=0.25), name="a.tif", limits=LIMITS)
    assert known.pixel_size == PixelSize(width=0.25, height=0.25, unit="um", source=SizeSource.OME)
    only = decoder.inspect(saved(grey(), "PNG", dpi=(50_800, 50_800)), name="a.png", limits=LIMITS)
    assert only.pixel_size is None
    assert only.pixel_size_suggested.to_mapping() == {"width": 0.5, "height": 0.5, "unit": "um", "source": "resolution"}


def test_what_a_person_types():
    def typed(text):
        found = size_of_text(text)
        return None if found is None else (found.width, found.height, found.unit, found.source)

    assert typed("0.25um") == typed(" 0,25 µm ") == typed("0.25 micron") == (0.25, 0.25, "um", "person")
    assert typed("1.5 x 2 nm") == (1.5, 2, "nm", "person")
    assert typed("10m") == (10, 10, "m", "person")
    assert typed("0.3 cm") == (3, 3, "mm", "person")
    for nonsense in ("", "um", "0.25", "-1um", "0um", "1e999um", "1 parsec", "1 x um", "x" * 10_000, "1" * 50 + "um"):
        assert typed(nonsense) is None


def test_units():
    assert metres_of("\N{GREEK SMALL LETTER MU}m") == metres_of("\N{MICRO SIGN}m") == 1e-6
    assert metres_of("pixel") is metres_of("") is metres_of("u" * 10**6) is None


def test_json_both_ways():
    made = PixelSize(width=0.25, height=0.5, unit="um", source=SizeSource.OME)
    assert PixelSize.from_mapping(json.loads(json.dumps(made.to_mapping()))) == made


GOOD = {"width": 0.25, "height": 0.25, "unit": "um", "source": "ome"}


@pytest.mark.parametrize(
    "bad",
    [
        None, [], {}, {"width": 1}, GOOD | {"depth": 1}, GOOD | {"width": 0}, GOOD | {"width": -1}, GOOD | {"width": 1e400},
        GOOD | {"width": float("nan")}, GOOD | {"width": 10**400}, GOOD | {"width": "1"}, GOOD | {"width": True},
        GOOD | {"height": None}, GOOD | {"unit": "inch"}, GOOD | {"unit": "x" * 10**5}, GOOD | {"unit": ["um"]},
        GOOD | {"source": "me"}, GOOD | {"source": 1},
    ],
)  # fmt: skip
def test_other_json_is_refused(bad):
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says, the caller treats it alike
        PixelSize.from_mapping(bad)


# --- stacks ---------------------------------------------------------------------------------------------------------------


def test_each_image_of_an_ome_file_has_its_own_size():
    file = BytesIO()
    with tifffile.TiffWriter(file, ome=True) as writer:
        for pixel in (0.25, 0.5):
            sizes = {"PhysicalSizeX": pixel, "PhysicalSizeY": pixel}
            writer.write(grey((8, 8)), photometric="minisblack", metadata={"axes": "YX"} | sizes)
    for series, expected in enumerate((0.25, 0.5)):
        reading = Reading(selection=Selection(series=series))
        assert decode(file.getvalue(), name="", limits=LIMITS, reading=reading).pixel_size.width == expected


def test_the_area_of_a_cell_in_an_imagej_composite():
    values = np.zeros((3, 64, 64), np.uint16)
    values[1:, 8:24, 8:24] += 2000
    data = tiff(values, imagej=True, resolution=(2, 2), metadata={"axes": "CYX", "unit": "um", "mode": "composite"})
    picture = read(data)
    assert picture.data.shape == (64, 64, 3)
    areas = pixel_areas((64, 64), pixel_size=picture.pixel_size, georeference=picture.georeference)
    found = areas.of_labels((picture.data[:, :, 1] > 0).astype(np.uint8), 2)
    assert (found[1], areas.unit) == (64, "um2")
    assert areas.of_pixels(256).value == 64


def test_dots_per_metre_of_a_png():
    raw = saved(grey((64, 64)), "PNG")
    data = raw[:33] + chunk(b"pHYs", struct.pack(">IIB", 2_000_000, 2_000_000, 1)) + raw[33:]
    assert suggested(data) == (0.5, 0.5, "um", "resolution")
    without_unit = raw[:33] + chunk(b"pHYs", struct.pack(">IIB", 2_000_000, 2_000_000, 0)) + raw[33:]
    assert suggested(without_unit) is None
