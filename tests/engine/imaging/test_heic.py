"""HEIC, and AVIF of 10 and 12 bits. The files in `heic/` show four rectangles of one colour each."""

import subprocess
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from segmentation.engine.exceptions import Refusal
from segmentation.engine.imaging import Limits, decode

FIELDS = np.empty((16, 32, 3), dtype=np.uint8)
FIELDS[:8, :16], FIELDS[:8, 16:] = (200, 30, 40), (20, 180, 60)
FIELDS[8:, :16], FIELDS[8:, 16:] = (30, 50, 210), (240, 240, 240)


def read(data):
    return decode(data, name="", limits=Limits(bytes=10**6, pixels=10**6, decoded_bytes=10**7))


def stored(name):
    return (Path(__file__).parent / "heic" / f"{name}.heic").read_bytes()


def high_depth_avif(bits):
    return imagecodecs.avif_encode((FIELDS / 255 * (2**bits - 1)).astype(np.uint16), level=100, bitspersample=bits)


@pytest.mark.parametrize(
    ("name", "notices"),
    [("quadrants", []), ("turned", ["orientation_applied"]), ("two", ["first_frame"]), ("ten-bits", ["bits_reduced"])],
)
def test_every_kind_of_heic_shows_the_same_fields(name, notices):
    picture = read(stored(name))
    assert abs(picture.pixels.astype(int) - FIELDS).max() <= 2
    assert picture.valid is None
    assert [notice.code for notice in picture.notices] == notices


def test_transparent_pixels_of_a_heic_do_not_count():
    picture = read(stored("transparent"))
    assert not picture.valid[:8, :16].any()
    assert (picture.pixels[:8, :16] == 255).all()
    assert picture.valid[8:].all()
    assert abs(picture.pixels[8:].astype(int) - FIELDS[8:]).max() <= 2
    assert [notice.code for notice in picture.notices] == ["alpha_over_white"]


@pytest.mark.parametrize(
    "data", [stored("ten-bits"), high_depth_avif(10), high_depth_avif(12)], ids=["heic", "avif-10", "avif-12"]
)
def test_more_than_eight_bits_are_reduced_from_the_full_range_with_a_notice(data):
    picture = read(data)
    assert abs(picture.pixels.astype(int) - FIELDS).max() <= 3
    assert picture.header.dtype == "uint16"
    assert [notice.code for notice in picture.notices] == ["bits_reduced"]


def test_an_avif_of_eight_bits_is_not_said_to_be_reduced():
    picture = read(imagecodecs.avif_encode(FIELDS, level=100))
    assert picture.header.dtype == "uint8"
    assert picture.notices == ()


def test_a_site_that_does_not_take_heic_says_so_and_what_else_it_takes():
    limits = Limits(bytes=10**6, pixels=10**6, decoded_bytes=10**7, heic=False)
    for data, sentence in [
        (stored("quadrants"), "This site does not take HEIC. Save it as JPEG or PNG and try again."),
        (b"no picture at all", "PNG, JPEG, WebP, TIFF, BMP, GIF, AVIF, JPEG 2000, JPEG XL and DICOM are taken."),
    ]:
        with pytest.raises(Refusal) as refusal:
            decode(data, name="a.heic", limits=limits)
        assert refusal.value.code == "unsupported_format"
        assert sentence in str(refusal.value)


def test_its_codec_is_loaded_for_the_first_heic_that_is_taken_and_not_before():
    program = """
import sys
from pathlib import Path
from segmentation.engine import pipeline
from segmentation.engine.imaging import Limits, decode
from segmentation.engine.exceptions import Refusal
pipeline.preload()
for is_taken in (False, True):
    try:
        limits = Limits(bytes=10**6, pixels=10**6, decoded_bytes=10**7, heic=is_taken)
        decode(Path(sys.argv[1]).read_bytes(), name="", limits=limits)
    except Refusal as refusal:
        print(refusal.code)
    print("pillow_heif" in sys.modules)
"""
    heic = Path(__file__).parent / "heic" / "quadrants.heic"
    command = [sys.executable, "-c", program, heic]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.split() == ["unsupported_format", "False", "True"]
