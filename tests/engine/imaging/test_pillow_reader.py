"""Every format and mode of up to 8 bits a value, compared with the arrays from which the files are made."""

import numpy as np
import PIL.Image
import pytest

from tests.engine.imaging.pictures import (
    BLUE,
    RED,
    assert_rounded,
    blended_with_white,
    codes,
    grey,
    halves,
    in_colour,
    read,
    saved,
)

COLOUR = grey((5, 7, 3))
GREY = grey()
WITH_ALPHA = np.dstack([COLOUR, grey(seed=1)])
WITH_ALPHA[0, 0, 3], WITH_ALPHA[0, 1, 3] = 0, 255
LOSSLESS = {"PNG": {}, "WEBP": {"lossless": True, "exact": True}, "TIFF": {}, "BMP": {}}
LOSSY = {
    "JPEG": {"quality": 100, "subsampling": 0},
    "WEBP": {"quality": 100},
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
}


def palette_image():
    """Return an image of four palette colours, its indices and its palette."""
    indices = np.arange(35, dtype=np.uint8).reshape(5, 7) % 4
    colours = np.array([[250, 10, 20], [0, 128, 255], [90, 90, 90], [255, 255, 0]], np.uint8)
    image = PIL.Image.frombytes("P", (7, 5), indices.tobytes())
    image.putpalette(colours.tobytes())
    return image, indices, colours


@pytest.mark.parametrize("image_format", sorted(LOSSLESS))
def test_colours_are_read_exactly(image_format):
    picture = read(saved(COLOUR, image_format, **LOSSLESS[image_format]))
    np.testing.assert_array_equal(picture.pixels, COLOUR)
    assert picture.valid is None
    assert picture.notices == ()
    header = picture.header
    assert (header.format, header.width, header.height, header.bands) == (image_format, 7, 5, 3)
    assert (header.dtype, header.frames) == ("uint8", 1)


@pytest.mark.parametrize("image_format", sorted(LOSSY))
def test_formats_with_losses_are_read_nearly_exactly(image_format):
    picture = read(saved(halves(), image_format, **LOSSY[image_format]))
    inner = [*range(14), *range(18, 32)]  # WebP has half the resolution in colour: it blurs the border
    assert_rounded(picture.pixels[:, inner], halves()[:, inner], tolerance=3)
    assert picture.notices == ()


@pytest.mark.parametrize("image_format", ["PNG", "TIFF", "BMP"])
def test_grey_stays_the_same_in_three_bands(image_format):
    picture = read(saved(GREY, image_format))
    np.testing.assert_array_equal(picture.pixels, in_colour(GREY))
    assert codes(picture) == ["grey"]


def test_a_grey_jpeg_is_grey():
    picture = read(saved(GREY, "JPEG", quality=100))
    assert_rounded(picture.pixels, in_colour(GREY), tolerance=2)
    assert codes(picture) == ["grey"]


@pytest.mark.parametrize("image_format", ["PNG", "TIFF", "BMP"])
def test_one_bit_is_black_and_white(image_format):
    bits = GREY > 127
    picture = read(saved(bits, image_format))
    np.testing.assert_array_equal(picture.pixels, in_colour(bits.astype(np.uint8) * 255))
    assert codes(picture) == ["one_bit"]
    assert picture.header.dtype == "bool"


@pytest.mark.parametrize("image_format", ["PNG", "TIFF", "BMP", "GIF"])
def test_palettes_are_applied(image_format):
    image, indices, colours = palette_image()
    picture = read(saved(image, image_format))
    np.testing.assert_array_equal(picture.pixels, colours[indices])
    assert codes(picture) == ["palette_applied"]


@pytest.mark.parametrize("image_format", ["PNG", "GIF"])
def test_a_transparent_palette_colour_is_no_data(image_format):
    image, indices, colours = palette_image()
    picture = read(saved(image, image_format, transparency=2))
    expected = colours[indices]
    expected[indices == 2] = 255
    np.testing.assert_array_equal(picture.pixels, expected)
    np.testing.assert_array_equal(picture.valid, indices != 2)
    assert codes(picture) == ["palette_applied", "alpha_over_white"]


def test_a_palette_with_degrees_of_transparency_is_blended_with_white():
    image, indices, colours = palette_image()
    opacity = np.array([255, 128, 0, 1], np.uint8)
    picture = read(saved(image, "PNG", transparency=opacity.tobytes()))
    assert_rounded(picture.pixels, blended_with_white(colours[indices], opacity[indices] / 255))
    np.testing.assert_array_equal(picture.valid, indices != 2)


@pytest.mark.parametrize("image_format", ["PNG", "WEBP"])
def test_transparent_pixels_are_blended_with_white_and_clear_ones_do_not_count(image_format):
    picture = read(saved(WITH_ALPHA, image_format, **LOSSLESS[image_format]))
    assert_rounded(picture.pixels, blended_with_white(COLOUR, WITH_ALPHA[:, :, 3] / 255))
    np.testing.assert_array_equal(picture.valid, WITH_ALPHA[:, :, 3] != 0)
    assert picture.pixels[0, 0].tolist() == [255, 255, 255]
    assert codes(picture) == ["alpha_over_white"]
    assert picture.header.bands == 4


def test_transparent_pixels_of_an_avif_are_not_valid():
    opacity = np.full((16, 32), 255, np.uint8)
    opacity[:8] = 0
    picture = read(saved(np.dstack([halves(), opacity]), "AVIF", **LOSSY["AVIF"]))
    np.testing.assert_array_equal(picture.valid, opacity != 0)
    assert_rounded(picture.pixels, blended_with_white(halves(), opacity / 255), tolerance=3)


def test_an_alpha_channel_that_hides_nothing_is_not_mentioned():
    picture = read(saved(np.dstack([COLOUR, np.full((5, 7), 255, np.uint8)]), "PNG"))
    np.testing.assert_array_equal(picture.pixels, COLOUR)
    assert picture.valid is None
    assert picture.notices == ()


def test_faint_pixels_count():
    faint = np.dstack([COLOUR, np.full((5, 7), 1, np.uint8)])
    picture = read(saved(faint, "PNG"))
    assert picture.valid is None
    assert picture.pixels.min() >= 254


def test_transparent_pixels_of_a_tiff_have_no_data_and_translucent_ones_keep_their_colours():
    picture = read(saved(WITH_ALPHA, "TIFF"))
    visible = WITH_ALPHA[:, :, 3] != 0
    np.testing.assert_array_equal(picture.valid, visible)
    np.testing.assert_array_equal(picture.pixels[visible], COLOUR[visible])
    assert (picture.pixels[~visible] == 255).all()
    assert codes(picture) == ["alpha_as_mask"]
    assert picture.header.bands == 4


def test_grey_with_alpha():
    opacity = WITH_ALPHA[:, :, 3]
    picture = read(saved(PIL.Image.merge("LA", [*map(PIL.Image.fromarray, (GREY, opacity))]), "PNG"))
    assert_rounded(picture.pixels, blended_with_white(in_colour(GREY), opacity / 255))
    np.testing.assert_array_equal(picture.valid, opacity != 0)
    assert codes(picture) == ["grey", "alpha_over_white"]


@pytest.mark.parametrize(
    ("values", "transparent", "expected_codes"),
    [
        (GREY > 127, 0, ["one_bit", "alpha_over_white"]),
        (GREY, int(GREY[2, 3]), ["grey", "alpha_over_white"]),
        (COLOUR, tuple(map(int, COLOUR[2, 3])), ["alpha_over_white"]),
    ],
    ids=["1", "L", "RGB"],
)
def test_a_single_transparent_colour_does_not_count(values, transparent, expected_codes):
    picture = read(saved(values, "PNG", transparency=transparent))
    clear = np.atleast_3d(values) == np.array(transparent)
    clear = clear.all(axis=2)
    plain = values.astype(np.uint8) * 255 if values.dtype == bool else values
    expected = np.where(clear[:, :, None], 255, np.broadcast_to(np.atleast_3d(plain), (5, 7, 3)))
    np.testing.assert_array_equal(picture.pixels, expected)
    np.testing.assert_array_equal(picture.valid, ~clear)
    assert codes(picture) == expected_codes


@pytest.mark.parametrize(("image_format", "options"), [("TIFF", {}), ("JPEG", {"quality": 100})])
def test_print_colours_are_converted(image_format, options):
    inks = np.zeros((8, 16, 4), np.uint8)
    inks[:, :8, 0], inks[:, 8:, 3] = 255, 128  # cyan, and half black
    picture = read(saved(inks, image_format, mode="CMYK", **options))
    expected = np.full((8, 16, 3), 127)
    expected[:, :8] = (0, 255, 255)
    assert_rounded(picture.pixels, expected, tolerance=3)
    assert codes(picture) == ["cmyk_converted"]


def test_lab_is_converted():
    lab = np.zeros((2, 3, 3), np.uint8)
    lab[0, :, 0] = 255  # white above black
    picture = read(saved(lab, "TIFF", mode="LAB"))
    assert_rounded(picture.pixels[0], 255, tolerance=1)
    assert_rounded(picture.pixels[1], 0, tolerance=1)
    assert [(notice.code, notice.values) for notice in picture.notices] == [("space_converted", {"space": "LAB"})]


def test_luma_and_chroma_are_converted():
    picture = read(saved(PIL.Image.fromarray(halves()).convert("YCbCr"), "TIFF"))
    assert_rounded(picture.pixels, halves(), tolerance=2)
    assert codes(picture) == ["space_converted"]


@pytest.mark.parametrize("image_format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_several_pictures_the_first_is_taken(image_format):
    frames = [PIL.Image.fromarray(np.full((4, 6, 3), colour, np.uint8)) for colour in (RED, BLUE, (0, 0, 0))]
    options = {"lossless": True} if image_format == "WEBP" else {}
    picture = read(saved(frames[0], image_format, save_all=True, append_images=frames[1:], **options))
    np.testing.assert_array_equal(picture.pixels, np.asarray(frames[0]))
    assert codes(picture)[0] == "first_frame"
    assert picture.notices[0].values == {"frames": 3}
    assert picture.header.frames == 3


def test_an_animated_avif_gives_its_first_frame():
    frames = [PIL.Image.fromarray(np.full((16, 16, 3), colour, np.uint8)) for colour in (RED, BLUE)]
    picture = read(saved(frames[0], "AVIF", save_all=True, append_images=frames[1:], **LOSSY["AVIF"]))
    assert_rounded(picture.pixels, np.asarray(frames[0]), tolerance=3)
    assert codes(picture) == ["first_frame"]


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
@pytest.mark.parametrize("image_format", ["PNG", "BMP", "TIFF", "GIF", "WEBP", "JPEG", "AVIF"])
def test_the_narrowest_pictures_are_read(image_format, shape):
    pixels = np.full((*shape, 3), 200, np.uint8)
    picture = read(saved(pixels, image_format))
    assert picture.pixels.shape == (*shape, 3)
    assert_rounded(picture.pixels, pixels, tolerance=2)


@pytest.mark.parametrize("image_format", ["PNG", "WEBP", "BMP"])
def test_pixels_are_contiguous_and_can_be_written(image_format):
    pixels = read(saved(COLOUR, image_format, **LOSSLESS[image_format])).pixels
    assert pixels.dtype == np.uint8
    assert pixels.flags.c_contiguous
