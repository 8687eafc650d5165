from io import BytesIO

import numpy as np
import PIL.Image
import pytest

from segmentation.engine.imaging.renditions import display, thumbnail
from tests.engine.imaging.pictures import RED, assert_rounded, grey


def opened(rendition):
    image = PIL.Image.open(BytesIO(rendition.data))
    image.load()
    assert rendition.content_type == PIL.Image.MIME[image.format]
    return image


def test_pictures_below_a_megapixel_are_shown_without_losses():
    pixels = grey((50, 70, 3))
    image = opened(display(pixels))
    assert image.format == "PNG"
    np.testing.assert_array_equal(np.asarray(image), pixels)


def test_larger_pictures_are_shown_as_jpeg_in_full_resolution():
    pixels = np.full((1000, 1001, 3), RED, np.uint8)
    image = opened(display(pixels))
    assert (image.format, image.size) == ("JPEG", (1001, 1000))
    assert_rounded(np.asarray(image), pixels, tolerance=3)


def test_what_is_too_long_for_jpeg_is_png():
    image = opened(display(np.zeros((16, 65_501, 3), np.uint8)))
    assert (image.format, image.size) == ("PNG", (65_501, 16))


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [((1000, 500), 480, (240, 480)), ((500, 1000), 480, (480, 240)), ((3000, 1), 480, (1, 480)), ((1, 1), 480, (1, 1))],
)
def test_thumbnails_keep_the_proportions_and_are_never_enlarged(shape, size, expected):
    assert opened(thumbnail(np.zeros((*shape, 3), np.uint8), size=size)).size == expected


def test_small_thumbnails_keep_every_pixel():
    pixels = grey((64, 64, 3))
    image = opened(thumbnail(pixels, size=480))
    assert image.format == "PNG"
    np.testing.assert_array_equal(np.asarray(image), pixels)


def test_large_thumbnails_are_webp():
    pixels = np.full((600, 800, 3), RED, np.uint8)
    image = opened(thumbnail(pixels, size=480))
    assert (image.format, image.size) == ("WEBP", (480, 360))
    assert_rounded(np.asarray(image), np.full((360, 480, 3), RED), tolerance=4)


def test_the_picture_itself_stays():
    pixels = grey((600, 600, 3))
    before = pixels.copy()
    thumbnail(pixels, size=100)
    display(pixels)
    np.testing.assert_array_equal(pixels, before)
