"""`Picture.data`, the values that are fitted: those of the file in all bands and bits, except for colours of 8 bits."""

import numpy as np
import PIL.Image
import pytest

from tests.engine.imaging.pictures import (
    codes,
    grey,
    grey_profile,
    halves,
    png_16_bit,
    read,
    rgb_profile,
    saved,
    tiff,
    values_16_bit,
)

COLOUR, GREY = grey((5, 7, 3)), grey()
OPACITY = grey(seed=1)
OPACITY[0, 0], OPACITY[0, 1] = 0, 255
ON_ITS_SIDE = PIL.Image.Exif()
ON_ITS_SIDE[0x0112] = 6
BANDS = {"photometric": "minisblack", "planarconfig": "contig"}


@pytest.mark.parametrize(
    "data",
    [
        saved(COLOUR, "PNG"),
        saved(halves(), "JPEG"),
        saved(halves(), "JPEG", exif=ON_ITS_SIDE),
        saved(COLOUR, "TIFF"),
        saved(np.dstack([COLOUR, OPACITY]), "PNG"),
        saved(COLOUR, "PNG", icc_profile=rgb_profile(swapped=True)),
        saved(PIL.Image.fromarray(COLOUR).quantize(4), "PNG"),
        saved(np.zeros((4, 4, 4), np.uint8), "TIFF", mode="CMYK"),
        tiff(np.zeros((4, 4, 4), np.uint16), photometric="separated", planarconfig="contig"),
        tiff(COLOUR, photometric="rgb", compression="webp"),
    ],
    ids=["PNG", "JPEG", "rotated", "TIFF", "alpha", "profile", "palette", "print", "16-bit print", "tifffile"],
)
def test_the_displayed_pixels_of_8_bit_colours_are_fitted_without_a_copy(data):
    picture = read(data)
    assert picture.data is picture.pixels
    assert picture.pixels.flags.c_contiguous


@pytest.mark.parametrize(
    "data",
    [
        saved(GREY, "PNG"),
        saved(GREY, "JPEG"),
        saved(GREY, "TIFF"),
        saved(GREY, "PNG", icc_profile=grey_profile(1.8)),
        saved(PIL.Image.merge("LA", [*map(PIL.Image.fromarray, (GREY, OPACITY))]), "PNG"),
        saved(GREY > 127, "PNG"),
        tiff(GREY, photometric="miniswhite"),
    ],
    ids=["PNG", "JPEG", "TIFF", "profile", "alpha", "1 bit", "white is 0"],
)
def test_8_bit_grey_has_one_band_equal_to_the_displayed_grey(data):
    picture = read(data)
    assert (picture.data.dtype, picture.data.shape) == (np.uint8, (5, 7, 1))
    assert picture.data.flags.c_contiguous
    np.testing.assert_array_equal(np.repeat(picture.data, 3, axis=2), picture.pixels)


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64"])
def test_every_type_of_number_is_kept(dtype):
    values = np.linspace(-100 if dtype[0] != "u" else 3, 120, 35).reshape(5, 7).astype(dtype)
    picture = read(tiff(values, photometric="minisblack"))
    assert picture.data.dtype == dtype
    np.testing.assert_array_equal(picture.data, values[:, :, None])


@pytest.mark.parametrize("dtype", ["uint64", "int64"])
def test_64_bit_integers_become_floats(dtype):
    values = np.array([[0, 1, 2**53]], dtype)
    picture = read(tiff(values, photometric="minisblack"))
    assert picture.data.dtype == np.float64
    np.testing.assert_array_equal(picture.data, values[:, :, None])


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_16_bit_png_are_kept(shape):
    values = values_16_bit(shape)
    picture = read(png_16_bit(values))
    assert picture.data.dtype == np.uint16
    np.testing.assert_array_equal(picture.data, np.atleast_3d(values))


@pytest.mark.parametrize("options", [{"byteorder": ">"}, {"compression": "lzw", "predictor": True}, {"tile": (16, 16)}])
def test_arrangements_of_a_file_change_nothing(options):
    values = values_16_bit((20, 18, 3))
    picture = read(tiff(values, photometric="rgb", **options))
    assert picture.data.dtype == np.dtype("=u2")
    assert picture.data.flags.c_contiguous
    np.testing.assert_array_equal(picture.data, values)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("n_bands", [2, 4, 5, 16])
def test_all_bands_are_fitted(n_bands, dtype):
    values = values_16_bit((5, 7, n_bands)).astype(dtype)
    together = read(tiff(values, **BANDS, **({"extrasamples": ["unspecified"]} if n_bands == 2 else {})))
    apart = read(tiff(np.moveaxis(values, -1, 0), photometric="minisblack", planarconfig="separate"))
    for picture in (together, apart):
        assert picture.data.dtype == dtype
        assert picture.data.flags.c_contiguous
        np.testing.assert_array_equal(picture.data, values)


def test_a_fourth_band_that_is_no_alpha_is_fitted_and_alpha_is_not():
    values = grey((5, 7, 4))
    values[:, :, 3] = 255
    for kind, n_bands in (("unspecified", 4), ("unassalpha", 3), ("assocalpha", 3)):
        picture = read(tiff(values, photometric="rgb", extrasamples=[kind]))
        np.testing.assert_array_equal(picture.data, values[:, :, :n_bands])
        assert picture.valid is None


def test_alpha_beside_many_high_bit_depth_bands_hides_and_is_not_fitted():
    values = values_16_bit((5, 7, 6))
    values[:, :, 5] = 65535
    values[0, 0, 5] = 0
    picture = read(tiff(values, extrasamples=["unspecified"] * 4 + ["unassalpha"], **BANDS))
    np.testing.assert_array_equal(picture.data[1:], values[1:, :, :5])
    assert not picture.valid[0, 0]
    assert picture.valid.sum() == 34


def test_translucent_high_bit_depth_pixels_are_blended_with_the_displayed_white():
    colour, opacity = values_16_bit((5, 7, 3)), np.linspace(6000, 65535, 35).astype(np.uint16).reshape(5, 7)
    picture = read(png_16_bit(np.dstack([colour, opacity])))
    share = np.rint(opacity / 257)[:, :, None] / 255
    np.testing.assert_allclose(picture.data, colour * share + 65535 * (1 - share), atol=0.5 + 1e-6)
    np.testing.assert_allclose(picture.pixels, picture.data / 257, atol=1)


def test_where_the_smallest_value_is_white_high_bit_depth_values_are_inverted():
    for values, expected in (
        (values_16_bit(), 65535 - values_16_bit()),
        (values_16_bit().astype(np.int16), -1 - values_16_bit().astype(np.int16)),
        (values_16_bit().astype(np.float32), -values_16_bit().astype(np.float32)),
    ):
        picture = read(tiff(values, photometric="miniswhite"))
        np.testing.assert_array_equal(picture.data[:, :, 0], expected)
        assert "inverted" in codes(picture)


def test_a_gap_in_a_band_that_is_not_shown_is_no_data():
    values = np.random.default_rng(0).random((5, 7, 6)).astype(np.float32)
    values[2, 3, 5] = np.nan
    picture = read(tiff(values, **BANDS))
    assert not picture.valid[2, 3]
    assert picture.valid.sum() == 34


def test_high_bit_depth_pictures_are_upright():
    values = values_16_bit((5, 7, 4))
    picture = read(tiff(values, **BANDS, extratags=[(274, 3, 1, 6, True)]))
    np.testing.assert_array_equal(picture.data, np.rot90(values, -1))
    assert picture.data.flags.c_contiguous
    assert picture.pixels.shape == (7, 5, 3)


def test_16_bit_tiff_keep_the_metadata_of_the_microscope():
    tags = [(271, 2, 0, "Maker", True), (272, 2, 0, "Model", True)]
    data = tiff(
        values_16_bit(),
        photometric="minisblack",
        resolution=(100, 100),
        resolutionunit="CENTIMETER",
        software="P",
        extratags=tags,
    )
    assert read(data).metadata == {"schema": 1, "make": "Maker", "model": "Model", "software": "P", "dpi": [254, 254]}
    assert (
        "dpi"
        not in read(tiff(values_16_bit(), photometric="minisblack", resolution=(1, 1), resolutionunit="NONE")).metadata
    )


def test_what_is_shown_of_a_high_bit_depth_picture_has_a_notice_of_its_display():
    many = read(tiff(values_16_bit((5, 7, 6)), **BANDS))
    assert many.notices[0].sentence == (
        "It has 6 bands: the first three are shown as red, green and blue; clusters are fitted to all."
    )
    two = read(tiff(values_16_bit((5, 7, 2)), extrasamples=["unspecified"], **BANDS))
    assert two.notices[0].sentence == "It has two bands: the first is shown as grey; clusters are fitted to both."
