"""A profile counts as sRGB by the colours that it gives, not by its name."""

import io

import imagecodecs
import numpy as np
import PIL.Image
import pytest

from segmentation.engine.imaging import Limits, decode

COLOURS = np.random.default_rng(0).integers(0, 256, (23, 31, 3), dtype=np.uint8)
WHITE = [0.3127, 0.3290, 1.0]  # of sRGB, as its primaries: x, y and Y
PRIMARIES = [0.64, 0.33, 1, 0.30, 0.60, 1, 0.15, 0.06, 1]


def with_profile(profile):
    file = io.BytesIO()
    PIL.Image.fromarray(COLOURS).save(file, "PNG", icc_profile=profile)
    return decode(file.getvalue(), name="", limits=Limits(bytes=10**6, pixels=10**6, decoded_bytes=10**7))


def named(profile, old, new):
    """The profile under another name of the same length; names are UTF-16."""
    old, new = (name.encode("utf-16-be") for name in (old, new))
    assert profile.count(old) == 1
    assert len(old) == len(new)
    return profile.replace(old, new)


@pytest.mark.parametrize("name", ["sRGB built-in", "My own colour"])
def test_srgb_under_any_name_leaves_every_pixel(name):
    picture = with_profile(named(imagecodecs.cms_profile("srgb"), "sRGB built-in", name))
    np.testing.assert_array_equal(picture.pixels, COLOURS)
    assert picture.notices == ()


@pytest.mark.parametrize("name", ["RGB built-in", "sRGB-elle-v2"])
def test_linear_light_under_any_name_is_converted(name):
    linear = imagecodecs.cms_profile("rgb", gamma=1.0, whitepoint=WHITE, primaries=PRIMARIES)
    picture = with_profile(named(linear, "RGB built-in", name))
    share = COLOURS / 255
    expected = 255 * np.where(share <= 0.0031308, 12.92 * share, 1.055 * share ** (1 / 2.4) - 0.055)
    assert abs(picture.pixels - expected).max() <= 3
    (notice,) = picture.notices
    assert (notice.code, notice.values) == ("profile_converted", {"profile": name})
