"""All eight EXIF orientations, in every format that can store them."""

import numpy as np
import PIL.Image
import pytest

from segmentation.engine.imaging.orientation import to_upright
from tests.engine.imaging.pictures import (
    assert_rounded,
    chunk,
    codes,
    grey,
    halves,
    in_colour,
    png_16_bit,
    read,
    saved,
    scaled,
    tiff,
    values_16_bit,
)

# The rotation or reflection that makes the stored picture upright, by the value of the tag (EXIF 2.32, 4.6.4).
UPRIGHT = {
    1: lambda stored: stored,
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: lambda stored: np.swapaxes(stored, 0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(np.swapaxes(stored, 0, 1), 2),
    8: np.rot90,
}
VALUES = range(1, 9)


def exif(value):
    tags = PIL.Image.Exif()
    tags[0x0112] = value
    return tags


def assert_upright(picture, value, expected, tolerance=0.5):
    assert_rounded(picture.pixels, expected, tolerance)
    assert picture.pixels.flags.c_contiguous
    assert ("orientation_applied" in codes(picture)) == (value != 1)


@pytest.mark.parametrize("value", VALUES)
def test_an_array_is_rotated(value):
    stored = grey((3, 4, 2))
    np.testing.assert_array_equal(to_upright(stored, value), UPRIGHT[value](stored))


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("image_format", ["PNG", "WEBP", "TIFF"])
def test_pictures_without_losses(image_format, value):
    stored = grey((5, 7, 3))
    options = {"lossless": True} if image_format == "WEBP" else {}
    picture = read(saved(stored, image_format, exif=exif(value), **options))
    assert_upright(picture, value, UPRIGHT[value](stored))
    assert (picture.header.width, picture.header.height) == (7, 5)


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("image_format", ["JPEG", "AVIF"])
def test_pictures_with_losses(image_format, value):
    stored = halves()
    stored[8:, :16] = 0  # no two corners alike
    stored[8:, 16:] = 255
    options = {"quality": 100, "subsampling": 0 if image_format == "JPEG" else "4:4:4"}
    picture = read(saved(stored, image_format, exif=exif(value), **options))
    assert_upright(picture, value, UPRIGHT[value](stored), tolerance=6)


@pytest.mark.parametrize("value", VALUES)
def test_16_bit_png(value):
    stored = values_16_bit((5, 7, 3))
    picture = read(png_16_bit(stored, chunk(b"eXIf", exif(value).tobytes()[6:])))
    assert_upright(picture, value, UPRIGHT[value](stored / 257))


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_tiff_by_another_program(dtype, value):
    stored = values_16_bit().astype(dtype)
    picture = read(tiff(stored, photometric="minisblack", extratags=[(274, 3, 1, value, True)]))
    plain = stored if dtype == np.uint8 else scaled(stored, stored.min(), stored.max())
    assert_upright(picture, value, UPRIGHT[value](in_colour(plain)))


@pytest.mark.parametrize("value", VALUES)
def test_what_does_not_count_is_rotated_too(value):
    stored = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4)
    stored[0, 1] = np.nan
    picture = read(tiff(stored, photometric="minisblack", extratags=[(274, 3, 1, value, True)]))
    np.testing.assert_array_equal(picture.valid, UPRIGHT[value](np.isfinite(stored)))
    stored = np.dstack([grey((3, 4, 3)), np.arange(12, dtype=np.uint8).reshape(3, 4)])
    picture = read(saved(stored, "PNG", exif=exif(value)))
    np.testing.assert_array_equal(picture.valid, UPRIGHT[value](stored[:, :, 3] > 0))


@pytest.mark.parametrize("value", [0, 9, 255])
def test_invalid_values_are_upright(value):
    stored = grey((5, 7, 3))
    for data in (
        saved(stored, "PNG", exif=exif(value)),
        saved(stored, "TIFF", exif=exif(value)),
        png_16_bit(values_16_bit(), chunk(b"eXIf", exif(value).tobytes()[6:])),
        tiff(values_16_bit(), photometric="minisblack", extratags=[(274, 3, 1, value, True)]),
    ):
        picture = read(data)
        assert picture.pixels.shape == (5, 7, 3)
        assert "orientation_applied" not in codes(picture)


def test_damaged_exif_is_no_reason_to_refuse():
    picture = read(saved(halves(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\xff\xff broken"))
    assert picture.pixels.shape == (16, 32, 3)
    assert picture.notices == ()
