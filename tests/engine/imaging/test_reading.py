"""Files of microscopes, scanners and satellites: which plane, which bands, which pixels have data, and what is displayed."""

import io

import numpy as np
import PIL.Image
import pytest
import tifffile

from segmentation.engine.exceptions import Refusal
from segmentation.engine.imaging import Limits, NoData, decode
from segmentation.engine.recipe import Alpha, Reading, Selection
from tests.engine.imaging.pictures import codes, saved, tiff

LIMITS = Limits(bytes=10**7, pixels=10**6, decoded_bytes=10**7)
GDAL_NODATA, GDAL_METADATA = 42113, 42112
GREY, COLOUR = {"photometric": "minisblack", "metadata": None}, {"photometric": "rgb", "metadata": None}


def read(data, *, name="picture.tif", **reading):
    selection = Selection(**reading.pop("selection", {}))
    return decode(data, name=name, limits=LIMITS, reading=Reading(selection=selection, **reading))


def refusal(data, **reading):
    with pytest.raises(Refusal) as refused:
        read(data, **reading)
    return refused.value.code, str(refused.value)


def two_halves(dtype, low, high, spread=3, *, size=64, seed=1):
    """Return a square with its left half near `low` and its right half near `high`."""
    random = np.random.default_rng(seed)
    values = np.where(np.arange(size)[None, :] < size // 2, low, high) + random.normal(0, spread, (size, size))
    return values.astype(dtype)


def no_data_tag(value):
    return [(GDAL_NODATA, "s", 0, value, True)]


# --- No data ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dtype", "value", "written"),
    [
        (np.int16, -9999, "-9999"),
        (np.int16, -9999, " -9999.0 "),
        (np.uint8, 0, "0"),
        (np.uint16, 65535, "65535"),
        (np.float32, np.finfo(np.float32).min, "-3.4028234663852886e+38"),
        (np.float32, np.finfo(np.float32).min, "-3.40282346638529e+38"),
        (np.float64, -1e30, "-1e30"),
        (np.float32, 1e20, "100000000000000000000"),
    ],
)
def test_gdals_value_of_no_data_counts_nowhere(dtype, value, written):
    values = two_halves(dtype, 60, 200)
    values[:16] = value
    picture = read(tiff(values, extratags=no_data_tag(written), **GREY))
    np.testing.assert_array_equal(picture.valid, np.arange(64)[:, None] >= np.full((64, 64), 16))
    assert picture.no_data.source == "gdal_nodata"
    assert picture.no_data.pixels == 1024
    assert picture.no_data.value == pytest.approx(float(written), rel=1e-6)
    assert "no_data_value" in codes(picture)
    assert (picture.pixels[:16] == 255).all()
    np.testing.assert_array_equal(picture.data[16:, :, 0], values[16:])


def test_no_data_does_not_widen_what_is_displayed():
    values = two_halves(np.int16, 1000, 2000)
    values[:16] = -9999
    notice = next(
        notice
        for notice in read(tiff(values, extratags=no_data_tag("-9999"), **GREY)).notices
        if notice.code == "depth_reduced"
    )
    assert 985 < notice.values["low"] < 1000
    assert 2000 < notice.values["high"] < 2015


@pytest.mark.parametrize("written", ["nan", "-1", "300", "", "none", "1e999"])
def test_a_value_that_no_pixel_can_have_leaves_all_pixels(written):
    assert read(tiff(two_halves(np.uint8, 60, 200), extratags=no_data_tag(written), **GREY)).valid is None


def test_of_several_bands_all_must_have_the_value():
    values = np.random.default_rng(2).integers(40, 200, (64, 64, 3)).astype(np.uint8)
    values[:, :16] = values[:, 48:] = 0
    values[:, 30, 0] = 0  # in one band only
    picture = read(tiff(values, extratags=no_data_tag("0"), **COLOUR))
    assert np.count_nonzero(picture.valid) == 2048


def test_a_person_can_say_what_is_no_data():
    values = two_halves(np.uint8, 60, 200)
    values[:8] = 7
    picture = read(tiff(values, extratags=no_data_tag("60"), **GREY), no_data=7)
    np.testing.assert_array_equal(picture.valid, values != 7)
    assert picture.no_data == NoData(source="person", value=7, pixels=512)
    assert read(tiff(values, **GREY), no_data=300).no_data == NoData(source="person", value=300, pixels=0)


def test_the_same_value_holds_for_a_png():
    values = two_halves(np.uint8, 60, 200)
    values[:8] = 7
    picture = read(saved(values, "PNG"), name="a.png", no_data=7)
    np.testing.assert_array_equal(picture.valid, values != 7)


def with_mask_page(values, mask, **options):
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(values, metadata=None, **options)
        writer.write(mask, photometric=4, subfiletype=4, metadata=None)
    return file.getvalue()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("orientation", [1, 6])
def test_the_mask_page_of_a_tiff_is_no_picture_and_masks(dtype, orientation):
    values = np.random.default_rng(3).integers(0, 255, (48, 64, 3)).astype(dtype)
    mask = np.zeros((48, 64), bool)
    mask[:32] = True
    data = with_mask_page(values, mask, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    picture = read(data)
    np.testing.assert_array_equal(picture.valid, mask if orientation == 1 else np.rot90(mask, -1))
    assert picture.no_data == NoData(source="internal_mask", value=None, pixels=1024)
    assert picture.header.frames == 1
    assert "first_frame" not in codes(picture)


# --- Alpha --------------------------------------------------------------------------------------------------------------


def test_in_16_bits_255_is_opaque_where_no_alpha_is_above_it():
    colour = np.stack([two_halves(np.uint16, 1000, 2000, 30, seed=band) for band in range(3)], axis=-1)
    alpha = np.full((64, 64, 1), 255, np.uint16)
    alpha[:8] = 0
    picture = read(tiff(np.concatenate([colour, alpha], 2), extrasamples=["unassalpha"], **COLOUR))
    np.testing.assert_array_equal(picture.data, colour)
    np.testing.assert_array_equal(picture.valid, alpha[:, :, 0] > 0)
    assert "alpha_as_mask" not in codes(picture)
    assert (picture.pixels[8:].min(), picture.pixels[8:].max()) == (0, 255), (
        "a measurement, not a nearly black photograph"
    )


def infrared():
    values = np.full((64, 64, 4), 90, np.uint8)
    values[..., :3] += np.random.default_rng(5).integers(0, 6, (64, 64, 3)).astype(np.uint8)
    values[..., 3] = two_halves(np.uint8, 60, 200, 2)
    return values


def test_infrared_that_is_marked_as_alpha_stays_out_of_the_colours_and_can_be_read_as_data():
    values = infrared()
    data = tiff(values, extrasamples=["unassalpha"], **COLOUR)
    picture = read(data)
    np.testing.assert_array_equal(picture.data, values[..., :3])
    assert picture.valid is None
    assert "alpha_as_mask" in codes(picture)
    as_data = read(data, alpha=Alpha.DATA)
    np.testing.assert_array_equal(as_data.data, values)
    assert "alpha_as_mask" not in codes(as_data)


def test_the_last_band_can_be_read_as_transparency():
    values = infrared()
    values[:4, :, 3] = 0
    picture = read(tiff(values, extrasamples=["unspecified"], **COLOUR), alpha=Alpha.TRANSPARENCY)
    np.testing.assert_array_equal(picture.valid, values[..., 3] > 0)
    np.testing.assert_array_equal(picture.data[4:], values[4:, :, :3])


def test_the_alpha_of_a_png_can_be_read_as_data():
    picture = read(saved(infrared(), "PNG"), name="a.png", alpha=Alpha.DATA)
    np.testing.assert_array_equal(picture.data, infrared())
    assert picture.valid is None


# --- Planes and channels ------------------------------------------------------------------------------------------------


def channels():
    values = np.random.default_rng(6).integers(90, 110, (3, 64, 64)).astype(np.uint16)
    values[1, 8:24, 8:24] += 2000
    values[2, 36:60, 36:60] += 3000
    return values


@pytest.mark.parametrize("options", [{"ome": True}, {"imagej": True}], ids=["OME", "ImageJ"])
def test_channels_in_pages_are_bands(options):
    data = tiff(channels(), photometric="minisblack", metadata={"axes": "CYX"}, **options)
    picture = read(data)
    np.testing.assert_array_equal(picture.data, np.moveaxis(channels(), 0, -1))
    assert (picture.header.bands, picture.header.frames) == (3, 1)
    assert (picture.layout.axes, picture.layout.shape) == ("CYX", (3, 64, 64))
    two = read(data, selection={"channels": (2, 1)})
    np.testing.assert_array_equal(two.data, np.moveaxis(channels()[[2, 1]], 0, -1))


def stack():
    return np.arange(2 * 3 * 2 * 5 * 7, dtype=np.uint16).reshape(2, 3, 2, 5, 7)  # T Z C Y X


@pytest.mark.parametrize("options", [{"ome": True}, {"imagej": True}, {}], ids=["OME", "ImageJ", "tifffile"])
def test_the_first_plane_is_taken_with_all_its_channels_unless_another_is_chosen(options):
    data = tiff(stack(), photometric="minisblack", metadata={"axes": "TZCYX"}, **options)
    picture = read(data)
    np.testing.assert_array_equal(picture.data, np.moveaxis(stack()[0, 0], 0, -1))
    assert (picture.header.frames, picture.layout.planes) == (6, 6)
    assert codes(picture)[0] == "first_frame"
    other = read(data, selection={"t": 1, "z": 2})
    np.testing.assert_array_equal(other.data, np.moveaxis(stack()[1, 2], 0, -1))
    assert codes(other)[0] == "selected_frame"
    sentence = "The picture has 3 planes: choose from 1 to 3."
    assert refusal(data, selection={"z": 3}) == ("invalid_request", sentence)
    assert refusal(data, selection={"t": 2})[0] == refusal(data, selection={"channels": (2,)})[0] == "invalid_request"


def test_a_stack_of_imagej_with_one_directory_is_read_plane_by_plane():
    data = bytearray(tiff(stack()[0, :, 0], imagej=True, metadata={"axes": "ZYX"}))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        offset = file.pages.first.offset
        entries = int.from_bytes(data[offset : offset + 2], "little" if file.byteorder == "<" else "big")
        after = offset + 2 + 12 * entries
    data[after : after + 4] = bytes(4)  # no further directory, as ImageJ writes stacks above 4 GB
    for z in range(3):
        picture = read(bytes(data), selection={"z": z})
        np.testing.assert_array_equal(picture.data[:, :, 0], stack()[0, z, 0])


def test_pages_without_further_description_are_pictures():
    pages = np.random.default_rng(0).integers(0, 255, (3, 5, 7)).astype(np.uint8)
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for page in (pages[0], pages[1][:4], pages[2]):
            writer.write(page, photometric="minisblack", metadata=None)
    for series, expected in enumerate((pages[0], pages[1][:4], pages[2])):
        picture = read(file.getvalue(), selection={"series": series})
        np.testing.assert_array_equal(picture.data[:, :, 0], expected)
        assert picture.layout.pictures == 3
    assert refusal(file.getvalue(), selection={"series": 3})[0] == "invalid_request"


def test_frames_of_other_formats_can_be_chosen():
    frames = [PIL.Image.fromarray(np.full((4, 5), level, np.uint8)) for level in (10, 200)]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert (read(data, name="a.gif").data == 10).all()
    assert (read(data, name="a.gif", selection={"series": 1}).data == 200).all()
    assert refusal(data, name="a.gif", selection={"series": 2})[0] == "invalid_request"


def test_bands_can_be_chosen():
    values = np.random.default_rng(1).integers(0, 60_000, (5, 7, 6)).astype(np.uint16)
    options = {"planarconfig": "contig", **GREY}
    picture = read(tiff(values, **options), selection={"channels": (5, 0)})
    np.testing.assert_array_equal(picture.data, values[:, :, [5, 0]])
    assert refusal(tiff(values, **options), selection={"channels": (6,)})[0] == "invalid_request"
    colour = np.random.default_rng(1).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    np.testing.assert_array_equal(
        read(saved(colour, "PNG"), name="a.png", selection={"channels": (1,)}).data[:, :, 0], colour[:, :, 1]
    )


def test_smaller_copies_are_no_pictures():
    values = np.random.default_rng(4).integers(0, 255, (64, 64)).astype(np.uint8)
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(values, metadata=None)
        writer.write(values[::2, ::2], subfiletype=1, metadata=None)
        writer.write(values[::4, ::4], subfiletype=1, metadata=None)
    picture = read(file.getvalue())
    np.testing.assert_array_equal(picture.data[:, :, 0], values)
    assert "first_frame" not in codes(picture)
    assert (picture.header.frames, picture.layout.overviews) == (1, 2)


def test_the_picture_is_taken_also_when_its_preview_comes_first():
    values = np.random.default_rng(4).integers(0, 255, (64, 64)).astype(np.uint8)
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        writer.write(values[::4, ::4], subfiletype=1, metadata=None)
        writer.write(values, metadata=None)
    np.testing.assert_array_equal(read(file.getvalue()).data[:, :, 0], values)


def camera_raw():
    file = io.BytesIO()
    with tifffile.TiffWriter(file) as writer:
        preview = np.zeros((12, 16, 3), np.uint8)
        writer.write(preview, photometric="rgb", subfiletype=1, subifds=1, metadata=None)
        writer.write(np.zeros((120, 160), np.uint16), photometric="cfa", metadata=None)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        camera_raw(),
        tiff(np.zeros((8, 8), np.uint16), extratags=[(50706, "B", 4, bytes((1, 4, 0, 0)), True)], **GREY),
        b"II*\0\x10\0\0\0CR\2\0" + bytes(40),
        b"FUJIFILMCCD-RAW 0201" + bytes(40),
        b"IIRO\x08\0\0\0" + bytes(40),
        b"IIU\0\x08\0\0\0" + bytes(40),
        b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(40),
    ],
    ids=["preview and mosaic", "DNG", "CR2", "RAF", "ORF", "RW2", "CR3"],
)
def test_camera_raw_files_are_refused_with_a_way_out(data):
    code, sentence = refusal(data, name="photo")
    assert code == "unsupported_format"
    assert "camera raw" in sentence
    assert "16-bit TIFF" in sentence


def test_bands_have_the_names_of_the_file():
    named = {"axes": "CYX", "Channel": {"Name": ["DAPI", "GFP", "RFP"]}}
    picture = read(tiff(channels(), photometric="minisblack", ome=True, metadata=named), selection={"channels": (2, 0)})
    assert picture.layout.channel_names == ("RFP", "DAPI")
    file = io.BytesIO()
    with tifffile.TiffWriter(file, ome=True) as writer:
        for names in (["DAPI", "GFP", "RFP"], ["Cy3", "Cy5", "FITC"]):
            writer.write(channels(), photometric="minisblack", metadata={"axes": "CYX", "Channel": {"Name": names}})
    assert read(file.getvalue(), selection={"series": 1}).layout.channel_names == ("Cy3", "Cy5", "FITC")
    written = (
        '<GDALMetadata><Item name="DESCRIPTION" sample="0" role="description">red</Item>'
        '<Item name="DESCRIPTION" sample="1" role="description">near\x01 infrared</Item></GDALMetadata>'
    ).replace("\x01", "")
    values = np.zeros((4, 5, 2), np.uint16)
    data = tiff(values, planarconfig="contig", extratags=[(GDAL_METADATA, "s", 0, written, True)], **GREY)
    assert read(data).layout.channel_names == ("red", "near infrared")
    broken = tiff(values, planarconfig="contig", extratags=[(GDAL_METADATA, "s", 0, "<GDAL", True)], **GREY)
    assert read(broken).layout.channel_names == ()


# --- Values -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_inverted_values_are_said_in_every_depth(dtype):
    picture = read(tiff(two_halves(dtype, 60, 200), photometric="miniswhite", metadata=None))
    assert "inverted" in codes(picture)


def test_12_bit_values_are_inverted_within_their_bits():
    values = np.array([[0, 100, 4095]], np.uint16)
    data = tiff(values, photometric="miniswhite", bitspersample=12, metadata=None)
    np.testing.assert_array_equal(read(data).data[:, :, 0], 4095 - values)


@pytest.mark.parametrize(("bits", "factor"), [(4, 17), (2, 85)])
def test_few_bits_are_spread_over_eight(bits, factor):
    values = np.zeros((8, 8, 3), np.uint8)
    values[:, 4:] = 2**bits - 1
    values[0, 0] = 1
    picture = read(tiff(values, bitspersample=bits, **COLOUR))
    np.testing.assert_array_equal(picture.pixels, values * factor)


def test_a_12_bit_photograph_is_displayed_with_its_own_white():
    values = np.zeros((8, 8, 3), np.uint16)
    values[:, 4:] = 4095
    values[0] = 2048
    picture = read(tiff(values, bitspersample=12, **COLOUR))
    np.testing.assert_array_equal(picture.pixels, np.rint(values / 4095 * 255))


def test_a_table_that_displays_a_measurement_leaves_the_measurement():
    values = two_halves(np.uint8, 40, 215)
    ramp = np.minimum(np.arange(256), 255 - np.arange(256)) * 514
    table = np.stack([ramp * 0, ramp, ramp * 0]).astype(np.uint16)
    picture = read(tiff(values, photometric="palette", colormap=table, metadata=None))
    np.testing.assert_array_equal(picture.data[:, :, 0], values)
    np.testing.assert_array_equal(picture.pixels, (table >> 8).T[values])
    assert codes(picture) == ["table_for_display"]


def test_a_dark_photograph_of_16_bits_looks_like_its_copy_of_8_bits():
    values = np.empty((64, 64, 3), np.uint16)
    values[:, :32], values[:, 32:] = (16000, 9000, 5000), (2000, 4000, 8000)
    np.testing.assert_array_equal(read(tiff(values, **COLOUR)).pixels, np.rint(values / 257))
    place = [(33550, "d", 3, (10.0, 10.0, 0.0), True)]
    measured = read(tiff(values, extratags=place, **COLOUR))
    assert (measured.pixels.min(), measured.pixels.max()) == (0, 255)


def test_one_wild_pixel_does_not_darken_the_display_and_is_fitted_as_it_is():
    values = two_halves(np.float32, 0.2, 0.6, 0.02, size=128)
    values[5, 5] = 1e6
    picture = read(tiff(values, **GREY))
    assert picture.pixels[:, :32].mean() < 80
    assert picture.pixels[:, 96:].mean() > 170
    np.testing.assert_array_equal(picture.data[:, :, 0], values)
    assert picture.valid is None
