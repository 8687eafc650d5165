"""PNG of 16 bits and TIFF of every kind: what is displayed, and bands that are neither colour nor alpha."""

import struct

import numpy as np
import pytest

from segmentation.engine.exceptions import Refusal
from tests.engine.imaging.pictures import (
    assert_rounded,
    blended_with_white,
    chunk,
    codes,
    grey,
    in_colour,
    png_16_bit,
    read,
    saved,
    scaled,
    tiff,
    values_16_bit,
)

RGB = {"photometric": "rgb"}
GREY = {"photometric": "minisblack"}
BANDS = {**GREY, "planarconfig": "contig"}


def reduced(values):
    return scaled(values, values.min(), values.max())


def photographed(values):
    """Return colours as a photograph of the same pixels in 8 bits has them."""
    return values if values.dtype == np.uint8 else values / 257


# --- PNG of 16 bits -----------------------------------------------------------------------------------------------------


def test_a_16_bit_png_keeps_its_range():
    values = values_16_bit()
    picture = read(png_16_bit(values))
    assert_rounded(picture.pixels, in_colour(reduced(values)))
    assert (picture.pixels.min(), picture.pixels.max()) == (0, 255)
    assert codes(picture) == ["depth_reduced", "grey"]
    assert picture.notices[0].values == {"dtype": "uint16", "low": values.min(), "high": values.max()}
    assert (picture.header.dtype, picture.header.bands) == ("uint16", 1)


def test_the_bands_of_a_16_bit_png_keep_their_balance():
    values = values_16_bit((5, 7, 3)) // np.array([1, 2, 4], np.uint16)
    picture = read(png_16_bit(values))
    assert_rounded(picture.pixels, photographed(values))
    assert codes(picture) == ["depth_reduced"]
    assert picture.notices[0].values == {"dtype": "uint16", "low": 0, "high": 65535}


@pytest.mark.parametrize("n_colours", [1, 3])
def test_a_16_bit_png_with_alpha(n_colours):
    colour, opacity = values_16_bit((5, 7, n_colours)), np.linspace(0, 65535, 35).astype(np.uint16).reshape(5, 7)
    picture = read(png_16_bit(np.dstack([colour, opacity])))
    counting = colour[opacity > 0]
    grey_levels = scaled(colour, counting.min(), counting.max()).clip(0, 255)
    plain = np.broadcast_to(grey_levels if n_colours == 1 else photographed(colour), (5, 7, 3))
    assert_rounded(picture.pixels, blended_with_white(plain, opacity / 65535), tolerance=1.5)
    np.testing.assert_array_equal(picture.valid, opacity != 0)
    assert codes(picture)[-1] == "alpha_over_white"


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 3)])
def test_the_transparent_colour_of_a_16_bit_png_is_compared_in_all_its_bits(shape):
    values = values_16_bit(shape)
    values[0, 0] = values[0, 1] = 5000
    values[0, 1] += 1
    body = struct.pack(">3H", 5000, 5000, 5000)[: 2 * values[0, 0].size]
    picture = read(png_16_bit(values, chunk(b"tRNS", body)))
    clear = np.zeros((5, 7), bool)
    clear[0, 0] = True
    np.testing.assert_array_equal(picture.valid, ~clear)
    assert picture.pixels[0, 0].tolist() == [255, 255, 255]
    counting = values[~clear]
    grey_levels = scaled(np.atleast_3d(values), counting.min(), counting.max())
    plain = np.broadcast_to(grey_levels if values.ndim == 2 else photographed(values), (5, 7, 3))
    assert_rounded(picture.pixels[~clear], plain[~clear])


# --- TIFF: types of values ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype", ["int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float16", "float32", "float64"]
)
def test_every_type_of_number_is_reduced_over_its_own_range(dtype):
    values = np.linspace(-100 if dtype[0] != "u" else 3, 120, 35).reshape(5, 7).astype(dtype)
    picture = read(tiff(values, **GREY))
    assert_rounded(picture.pixels, in_colour(reduced(values)))
    assert picture.notices[0].code == "depth_reduced"
    assert picture.notices[0].values["dtype"] == dtype


def test_the_ends_of_double_precision_do_not_overflow():
    largest = np.finfo(np.float64).max
    picture = read(tiff(np.array([[-largest, 0, largest]]), **GREY))
    assert picture.pixels[0, :, 0].tolist() == [0, 128, 255]


def test_what_is_no_number_does_not_count_and_is_white():
    values = np.linspace(0, 1, 35, dtype=np.float32).reshape(5, 7)
    values[1, 1], values[2, 2], values[3, 3] = np.nan, np.inf, -np.inf
    picture = read(tiff(values, **GREY))
    finite = np.isfinite(values)
    np.testing.assert_array_equal(picture.valid, finite)
    assert_rounded(picture.pixels[finite], in_colour(reduced(np.where(finite, values, 0)))[finite])
    assert (picture.pixels[~finite] == 255).all()
    assert codes(picture) == ["no_data", "depth_reduced", "grey"]
    assert picture.notices[0].values == {"pixels": 3}


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [(0, "uint16", 0), (65535, "uint16", 255), (-5, "int16", 0), (0.5, "float32", 128)],
)
def test_a_single_value_is_placed_in_the_range_of_its_type(value, dtype, expected):
    picture = read(tiff(np.full((3, 3), value, dtype), **GREY))
    assert (picture.pixels == expected).all()


def test_complex_numbers_are_refused():
    with pytest.raises(Refusal, match="real numbers") as caught:
        read(tiff(np.ones((4, 4), np.complex64)))
    assert caught.value.code == "unsupported_format"


def test_a_volume_is_refused():
    with pytest.raises(Refusal, match="volume") as caught:
        read(tiff(np.zeros((16, 16, 16), np.uint8), volumetric=True, tile=(16, 16, 16), **GREY))
    assert caught.value.code == "unsupported_format"


# --- TIFF: arrangements -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "lzw"},
        {"compression": "lzw", "predictor": True},
        {"compression": "deflate"},
        {"compression": "packbits"},
        {"compression": "zstd"},
        {"compression": "lzma"},
        {"compression": "png"},
        {"compression": "jpeg2000"},
        {"bigtiff": True},
        {"byteorder": ">"},
        {"rowsperstrip": 2},
        {"tile": (16, 16)},
    ],
    ids=str,
)
def test_all_arrangements_hold_the_same_picture(dtype, options):
    values = values_16_bit((20, 18, 3)).astype(dtype)
    picture = read(tiff(values, **RGB, **options), "picture.tif")
    assert_rounded(picture.pixels, photographed(values))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_separate_planes_are_interleaved(dtype):
    values = values_16_bit((5, 7, 3)).astype(dtype)
    picture = read(tiff(np.moveaxis(values, -1, 0), planarconfig="separate", **RGB))
    assert_rounded(picture.pixels, photographed(values))


@pytest.mark.parametrize("compression", ["jpeg", "webp"])
def test_compression_with_losses(compression):
    flat = np.full((16, 16, 3), (200, 40, 40), np.uint8)
    assert_rounded(read(tiff(flat, compression=compression, **RGB)).pixels, flat, tolerance=4)


def test_jpeg_inside_a_tiff_of_another_program():
    flat = np.full((16, 16, 3), (200, 40, 40), np.uint8)
    assert_rounded(read(saved(flat, "TIFF", compression="jpeg")).pixels, flat, tolerance=4)


@pytest.mark.parametrize("compression", ["group3", "group4", "packbits", "tiff_lzw"])
def test_facsimiles(compression):
    bits = grey() > 127
    picture = read(saved(bits, "TIFF", compression=compression))
    np.testing.assert_array_equal(picture.pixels, in_colour(bits.astype(np.uint8) * 255))
    assert codes(picture) == ["one_bit"]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_where_the_smallest_value_is_white_it_is_white(dtype):
    values = values_16_bit().astype(dtype)
    picture = read(tiff(values, photometric="miniswhite"))
    assert_rounded(picture.pixels, in_colour(255 - (values if dtype == np.uint8 else reduced(values))))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_colour_table_is_applied(dtype):
    values = grey().astype(dtype)
    table = np.random.default_rng(1).integers(0, 256, (3, 256 if dtype == np.uint8 else 65536)).astype(np.uint16) * 257
    picture = read(tiff(values, photometric="palette", colormap=table))
    np.testing.assert_array_equal(picture.pixels, (table // 257).T[values])
    assert codes(picture) == ["palette_applied"]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_of_several_pages_the_first_is_taken(dtype):
    pages = values_16_bit((3, 5, 7)).astype(dtype)
    picture = read(tiff(pages, **GREY))
    assert_rounded(picture.pixels, in_colour(pages[0] if dtype == np.uint8 else reduced(pages[0])))
    assert codes(picture)[0] == "first_frame"
    assert picture.header.frames == 3


def test_high_bit_depth_print_colours_are_converted():
    inks = np.zeros((4, 4, 4), np.uint16)
    inks[..., 0] = 65535
    picture = read(tiff(inks, photometric="separated", planarconfig="contig"))
    assert (picture.pixels == (0, 255, 255)).all()
    assert codes(picture) == ["cmyk_converted"]


def test_unknown_colour_spaces_are_refused():
    with pytest.raises(Refusal, match="colour space") as caught:
        read(tiff(values_16_bit((5, 7, 3)), photometric="cielab"))
    assert caught.value.code == "unsupported_format"


# --- TIFF: bands --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("n_bands", [4, 5, 16])
def test_of_many_bands_three_are_taken(n_bands, dtype):
    values = values_16_bit((5, 7, n_bands)).astype(dtype)
    picture = read(tiff(values, **BANDS))
    taken = values[:, :, :3]
    assert_rounded(picture.pixels, taken if dtype == np.uint8 else reduced(taken))
    assert codes(picture)[0] == "bands_ignored"
    assert picture.notices[0].values == {"bands": n_bands}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_three_bands_are_colours_whatever_they_are_called(dtype):
    values = values_16_bit((5, 7, 3)).astype(dtype)
    picture = read(tiff(values, **BANDS))
    assert_rounded(picture.pixels, values if dtype == np.uint8 else reduced(values))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_of_two_bands_the_first_is_taken(dtype):
    values = values_16_bit((5, 7, 2)).astype(dtype)
    picture = read(tiff(values, extrasamples=["unspecified"], **BANDS))
    taken = values[:, :, 0]
    assert_rounded(picture.pixels, in_colour(taken if dtype == np.uint8 else reduced(taken)))
    assert codes(picture)[0] == "extra_band_ignored"
    assert picture.valid is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_fourth_band_that_is_no_alpha_hides_nothing(dtype):
    values = values_16_bit((5, 7, 4)).astype(dtype)
    values[0, 0, 3] = 0
    picture = read(tiff(values, extrasamples=["unspecified"], **RGB))
    taken = values[:, :, :3]
    assert_rounded(picture.pixels, taken if dtype == np.uint8 else reduced(taken))
    assert picture.valid is None
    assert codes(picture)[0] == "bands_ignored"


def test_seventeen_bands_are_refused():
    with pytest.raises(Refusal, match="17 bands; the limit is 16") as caught:
        read(tiff(values_16_bit((5, 7, 17)), **BANDS))
    assert caught.value.code == "too_many_bands"


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_alpha_of_its_own_and_alpha_multiplied_in_give_the_same_picture(dtype):
    opaque = 1.0 if dtype == np.float32 else np.iinfo(dtype).max
    opacity = np.array([[0, 0.25, 0.5, 1]] * 4)
    colour = np.random.default_rng(3).uniform(0.1, 1, (4, 4, 3))
    colour[0, 3], colour[1, 3] = 0, 1  # the whole range, opaque
    own = np.dstack([colour, opacity]) * opaque
    multiplied = np.dstack([colour * opacity[:, :, None], opacity]) * opaque
    as_stored = (lambda values: values) if dtype == np.float32 else np.rint
    visible = opacity > 0
    for values, kind in ((own, "unassalpha"), (multiplied, "assocalpha")):
        picture = read(tiff(as_stored(values).astype(dtype), extrasamples=[kind], **RGB))
        assert_rounded(picture.pixels[visible], colour[visible] * 255, tolerance=2.5)
        assert (picture.pixels[~visible] == 255).all()
        np.testing.assert_array_equal(picture.valid, visible)
        assert "alpha_as_mask" in codes(picture)
        assert picture.data.shape == (4, 4, 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (1, 1, 3), (1, 9, 3), (9, 1, 3)])
def test_the_narrowest_pictures_are_read(shape, dtype):
    data = tiff(np.zeros(shape, dtype), photometric="rgb" if len(shape) == 3 else "minisblack")
    assert read(data).pixels.tolist() == np.zeros((*shape[:2], 3)).tolist()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (1, 9, 3), (9, 1, 4)])
def test_the_narrowest_16_bit_png_are_read(shape):
    values = np.full(shape, 65535, np.uint16)
    assert (read(png_16_bit(values)).pixels == 255).all()
