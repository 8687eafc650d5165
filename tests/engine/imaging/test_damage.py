"""Damaged files are decoded or refused: no other exception, no warning, and no crash in a limited child process."""

import functools
import os
import struct
import warnings
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmentation.engine.exceptions import Refusal
from segmentation.engine.imaging import Limits, decode, inspect
from segmentation.engine.sandbox import Allowance, Child
from tests.engine.imaging.dicoms import dicom, jpeg_2000, rle
from tests.engine.imaging.geotiffs import utm
from tests.engine.imaging.pictures import HEIC, LIMITS, grey, png_16_bit, rgb_profile, saved, tiff, values_16_bit

COLOUR = grey((16, 16, 3))
ICC = rgb_profile(swapped=True)
EXIF = PIL.Image.Exif()
EXIF[0x0112], EXIF[0x010F] = 6, "Maker"
FILES = {
    "png": saved(COLOUR, "PNG", icc_profile=ICC, exif=EXIF),
    "palette": saved(PIL.Image.fromarray(COLOUR).quantize(8), "PNG", transparency=0),
    "16-bit png": png_16_bit(values_16_bit((16, 16, 4))),
    "jpeg": saved(COLOUR, "JPEG", icc_profile=ICC, exif=EXIF),
    "webp": saved(COLOUR, "WEBP", exif=EXIF),
    "gif": saved(COLOUR, "GIF", save_all=True, append_images=[PIL.Image.fromarray(grey((16, 16)))]),
    "bmp": saved(COLOUR, "BMP"),
    "avif": saved(COLOUR, "AVIF"),
    "heic": HEIC,
    "tiff": saved(COLOUR, "TIFF", compression="tiff_lzw", exif=EXIF),
    "16-bit tiff": tiff(values_16_bit((16, 16, 3)), photometric="rgb", compression="deflate"),
    "jpeg 2000": imagecodecs.jpeg2k_encode(values_16_bit((16, 16, 4)), level=0, reversible=True, codecformat="jp2"),
    "jpeg xl": imagecodecs.jpegxl_encode(values_16_bit((16, 16, 3)), lossless=True),
    "dicom": dicom(values_16_bit((16, 16)), PixelSpacing=[1, 1], RescaleSlope=2, RescaleIntercept=-5),
    "dicom jpeg 2000": jpeg_2000(values_16_bit((16, 16))),
    "dicom runs": rle(COLOUR),
    "geotiff": utm(),
    "pages": tiff(values_16_bit((3, 16, 16)).astype(np.float32), photometric="minisblack"),
}
PLENTY = Allowance(memory=2_000_000_000, seconds=30)


def decoded_or_refused(data):
    """Return whether a file is decoded; a refusal must have a code and a sentence, any other exception passes through."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            picture = decode(data, name="", limits=LIMITS)
        except Refusal as error:
            refusal = error
        else:
            assert picture.pixels.dtype == np.uint8
            assert picture.pixels.ndim == 3
            return True
    assert refusal.code
    assert "%" not in str(refusal)
    return False


@pytest.mark.parametrize("kind", FILES)
def test_the_files_are_good_before_they_are_damaged(kind):
    assert decoded_or_refused(FILES[kind])


@pytest.mark.parametrize("kind", FILES)
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_truncated_files(kind, data):
    whole = FILES[kind]
    decoded_or_refused(whole[: data.draw(st.integers(0, len(whole) - 1))])


@pytest.mark.parametrize("kind", FILES)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_files_with_wrong_bytes(kind, data):
    broken = bytearray(FILES[kind])
    offsets = st.integers(0, min(len(broken), 600) - 1) | st.integers(0, len(broken) - 1)
    for offset, value in data.draw(st.lists(st.tuples(offsets, st.integers(0, 255)), min_size=1, max_size=4)):
        broken[offset] = value
    decoded_or_refused(bytes(broken))


def damaged(folder):
    """Write files without their last eighth, and files with a byte of the header inverted, from a fixed seed."""
    rng = np.random.default_rng(0)
    for kind, data in FILES.items():
        (folder / f"{kind}-truncated").write_bytes(data[: len(data) * 7 // 8])
        broken = bytearray(data)
        broken[int(rng.integers(12, 100))] ^= 0xFF
        (folder / f"{kind}-inverted").write_bytes(broken)


@pytest.mark.parametrize("compression", [34661, 34676, 32867])
def test_what_a_codec_lacks_is_not_called_damaged(compression):
    """JBIG, SGI Log and a number that nobody knows, instead of no compression."""
    data = tiff(values_16_bit((8, 8)), metadata=None)
    entry = data.index(struct.pack("<HHI", 259, 3, 1))
    changed = data[: entry + 8] + struct.pack("<H", compression) + data[entry + 10 :]
    with pytest.raises(Refusal) as refused:
        decode(changed, name="", limits=LIMITS)
    assert refused.value.code == "unsupported_format"
    assert "not supported here" in str(refused.value)


def outcome(path):
    """Return `decoded` or the code of the refusal of a file that a limited child process inspects."""
    limits = Limits(bytes=50_000_000, pixels=50_000_000, decoded_bytes=400_000_000)
    inspect_file = functools.partial(inspect, path.read_bytes(), name="", limits=limits)
    child = Child.fork(lambda _report: inspect_file(), allowance=PLENTY)
    while not child.poll():
        if child.connection:
            child.connection.poll(0.1)
    try:
        child.result()
    except Refusal as refusal:
        return refusal.code
    return "decoded"


def test_hostile_files_are_decoded_or_refused_in_a_limited_child(tmp_path):
    """Take the files below the folder GMM_HOSTILE_IMAGES; without it, files that are damaged by the test."""
    given_folder = os.environ.get("GMM_HOSTILE_IMAGES")
    if given_folder is None:
        damaged(tmp_path)
    files = sorted(path for path in Path(given_folder or tmp_path).rglob("*") if path.is_file())
    codes = {"decoded", "empty", "corrupt", "unsupported_format", "too_large", "too_many_pixels", "too_many_bands"}
    assert files
    for path in files:
        assert outcome(path) in codes, path
