"""Embedded colour profiles, converted by LittleCMS and compared with the formulas of the profiles."""

import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest

from tests.engine.imaging.pictures import (
    assert_rounded,
    codes,
    grey,
    grey_profile,
    halves,
    in_colour,
    png_16_bit,
    read,
    rgb_profile,
    saved,
    tiff,
)

COLOUR = grey((5, 7, 3))
SWAPPED = rgb_profile(swapped=True)


def made(space):
    return PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile(space)).tobytes()


def as_srgb(linear):
    """Return linear values 0 to 1 with the transfer function of sRGB (IEC 61966-2-1), as 0 to 255."""
    return 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def swapped_in_srgb(values):
    """Return values 0 to 1 of the profile with red and green exchanged, as sRGB 0 to 255."""
    return as_srgb(values[..., [1, 0, 2]] ** 2.2)


@pytest.mark.parametrize("image_format", ["PNG", "WEBP", "TIFF"])
def test_colours_are_converted(image_format):
    options = {"lossless": True} if image_format == "WEBP" else {}
    picture = read(saved(COLOUR, image_format, icc_profile=SWAPPED, **options))
    assert_rounded(picture.pixels, swapped_in_srgb(COLOUR / 255), tolerance=2)
    assert codes(picture) == ["profile_converted"]
    assert picture.notices[0].sentence == "Its colours were converted from its profile (Swapped test profile) to sRGB."


@pytest.mark.parametrize("image_format", ["JPEG", "AVIF"])
def test_colours_are_converted_in_formats_with_losses(image_format):
    options = {"quality": 100, "subsampling": 0 if image_format == "JPEG" else "4:4:4"}
    picture = read(saved(halves(), image_format, icc_profile=SWAPPED, **options))
    assert_rounded(picture.pixels, swapped_in_srgb(halves() / 255), tolerance=5)
    assert codes(picture) == ["profile_converted"]


def test_a_palette_is_converted():
    image = PIL.Image.frombytes("P", (2, 1), b"\0\1")
    image.putpalette([255, 0, 0, 0, 0, 255])
    picture = read(saved(image, "PNG", icc_profile=SWAPPED))
    assert_rounded(picture.pixels[0], [[0, 255, 0], [0, 0, 255]], tolerance=2)
    assert codes(picture) == ["palette_applied", "profile_converted"]


def test_alpha_stays_and_blending_with_white_follows_the_conversion():
    values = np.dstack([COLOUR, np.full((5, 7), 128, np.uint8)])
    picture = read(saved(values, "PNG", icc_profile=SWAPPED))
    expected = (swapped_in_srgb(COLOUR / 255) * 128 + 255 * 127) / 255
    assert_rounded(picture.pixels, expected, tolerance=2)


def test_high_bit_depth_pictures_are_converted_after_their_reduction():
    values = COLOUR.astype(np.uint16) * 257
    values[0, 0], values[0, 1] = 0, 65535  # the whole range: the reduction moves nothing
    profile = (34675, 7, len(SWAPPED), SWAPPED, True)
    picture = read(tiff(values, photometric="rgb", extratags=[profile]))
    assert_rounded(picture.pixels, swapped_in_srgb(values / 65535), tolerance=2)
    assert codes(picture) == ["depth_reduced", "profile_shown"]
    np.testing.assert_array_equal(picture.data, values)


def test_grey_is_converted():
    values = grey()
    picture = read(saved(values, "PNG", icc_profile=grey_profile(1.8)))
    assert_rounded(picture.pixels, in_colour(as_srgb((values / 255) ** 1.8)), tolerance=2)
    assert codes(picture) == ["profile_converted", "grey"]
    np.testing.assert_array_equal(picture.data, picture.pixels[:, :, :1])


def test_high_bit_depth_grey_is_converted():
    values = np.linspace(0, 65535, 35).astype(np.uint16).reshape(5, 7)
    profile = grey_profile(1.8)
    picture = read(tiff(values, photometric="minisblack", extratags=[(34675, 7, len(profile), profile, True)]))
    exact = in_colour(as_srgb((np.rint(values / 257) / 255) ** 1.8))
    assert_rounded(picture.pixels, exact, tolerance=2)
    assert codes(picture) == ["depth_reduced", "grey", "profile_shown"]
    np.testing.assert_array_equal(picture.data[:, :, 0], values)


def test_srgb_is_not_mentioned():
    picture = read(saved(COLOUR, "PNG", icc_profile=made("sRGB")))
    np.testing.assert_array_equal(picture.pixels, COLOUR)
    assert picture.notices == ()


@pytest.mark.parametrize(
    "profile",
    [b"nonsense" * 40, b"x", SWAPPED[:200], made("XYZ"), made("LAB"), grey_profile(2.2)],
    ids=["nonsense", "one byte", "incomplete", "XYZ", "LAB", "grey"],
)
def test_a_profile_that_is_broken_or_of_another_space_is_ignored(profile):
    picture = read(saved(COLOUR, "PNG", icc_profile=profile))
    np.testing.assert_array_equal(picture.pixels, COLOUR)
    assert codes(picture) == ["profile_ignored"]


def test_a_colour_profile_does_not_fit_a_grey_picture():
    picture = read(saved(grey(), "PNG", icc_profile=SWAPPED))
    np.testing.assert_array_equal(picture.pixels, in_colour(grey()))
    assert codes(picture) == ["profile_ignored", "grey"]


def test_a_colour_profile_does_not_fit_a_picture_for_print():
    picture = read(saved(np.zeros((4, 4, 4), np.uint8), "TIFF", mode="CMYK", icc_profile=SWAPPED))
    assert (picture.pixels == 255).all()
    assert codes(picture) == ["profile_ignored", "cmyk_converted"]


def test_a_high_bit_depth_picture_with_a_broken_profile():
    values = np.linspace(0, 65535, 35).astype(np.uint16).reshape(5, 7)
    data = tiff(values, photometric="minisblack", extratags=[(34675, 7, 8, b"nonsense", True)])
    picture = read(data)
    assert_rounded(picture.pixels, in_colour(values / 257))
    assert codes(picture) == ["depth_reduced", "grey", "profile_ignored"]
    assert read(png_16_bit(values)).notices[-1].code == "grey"
