"""Each check of admission: its code, its sentence, and that it comes before decoding."""

import pickle
import struct
import zlib

import numpy as np
import pytest

from segmentation.engine.exceptions import Refusal
from segmentation.engine.imaging import Limits, decode
from segmentation.engine.imaging.admission import Header, admit
from segmentation.engine.imaging.formats import FORMATS, detect_format, extension_notices, name_of_file
from tests.engine.imaging.pictures import HEIC, LIMITS, chunk, grey, png_16_bit, saved, tiff, values_16_bit

PNG = saved(grey((5, 7, 3)), "PNG")
JPEG = saved(grey((5, 7, 3)), "JPEG")


def refused(data, limits=LIMITS):
    with pytest.raises(Refusal) as caught:
        admit(data, limits=limits)
    return caught.value.code, str(caught.value)


def claiming(width, height):
    """A small PNG whose header claims another size."""
    size = struct.pack(">II", width, height)
    return PNG[:8] + chunk(b"IHDR", size + PNG[24:29]) + PNG[33:]


def test_an_empty_file_is_refused():
    assert refused(b"") == ("empty", "The file is empty. Choose another one.")


def test_more_bytes_than_the_limit_are_refused():
    assert refused(bytes(1_500_001), limits=Limits(bytes=1_500_000, pixels=9, decoded_bytes=9)) == (
        "too_large",
        "It is larger than 1.5 MB, the limit. Save it smaller or compressed.",
    )


def test_as_many_bytes_as_the_limit_are_taken():
    assert admit(PNG, limits=Limits(bytes=len(PNG), pixels=35, decoded_bytes=105)).format == "PNG"


@pytest.mark.parametrize(
    "data", [b"hello", b"%PDF-1.7\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"8BPS\0\1", b"\0"]
)
def test_what_is_no_picture_of_a_known_format_is_refused(data):
    code, sentence = refused(data)
    assert code == "unsupported_format"
    assert "GIF, AVIF, HEIC, JPEG 2000, JPEG XL and DICOM are taken" in sentence


@pytest.mark.parametrize(
    ("data", "image_format"),
    [
        (PNG, "PNG"),
        (JPEG, "JPEG"),
        (saved(grey(), "GIF"), "GIF"),
        (b"GIF87a", "GIF"),
        (saved(grey(), "BMP"), "BMP"),
        (saved(grey((5, 7, 3)), "WEBP"), "WEBP"),
        (saved(grey((5, 7, 3)), "AVIF"), "AVIF"),
        (HEIC, "HEIF"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "AVIF"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIF"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", None),
        (b"RIFF\0\0\0\0WAVE", None),
        (tiff(grey()), "TIFF"),
        (tiff(grey(), byteorder=">"), "TIFF"),
        (tiff(grey(), bigtiff=True), "TIFF"),
        (tiff(grey(), bigtiff=True, byteorder=">"), "TIFF"),
    ],
)
def test_the_format_is_detected_from_the_first_bytes(data, image_format):
    assert detect_format(data) == image_format


@pytest.mark.parametrize(
    "name",
    ["a.png", "a.PNG", "b.apng", "picture", "", ".png", "slide.v2", "2024.05.01", "folder.jpg/picture", "c.scan3"],
)
def test_the_right_extension_none_and_an_unknown_one_need_no_notice(name):
    assert "other_extension" not in [notice.code for notice in decode(PNG, name=name, limits=LIMITS).notices]
    assert name_of_file(name, "PNG") == name


@pytest.mark.parametrize("extension", [".jpg", ".tif", ".heic", ".pdf", ".txt", ".zip", ".html"])
def test_an_extension_of_something_else_is_told(extension):
    notice = decode(PNG, name="a" + extension, limits=LIMITS).notices[0]
    assert notice.sentence == f"Its name ends in {extension}, but it is a PNG file, and was read as one."
    assert name_of_file("a" + extension, "PNG") == f"a{extension}.png"


@pytest.mark.parametrize("extension", [".jpg", ".jpeg", ".JPG", ".jfif", ".jpe"])
def test_all_extensions_of_a_jpeg_are_known(extension):
    assert extension_notices("a" + extension, "JPEG") == []


@pytest.mark.parametrize("image_format", sorted(FORMATS))
def test_the_extension_that_is_added_belongs_to_the_format(image_format):
    assert extension_notices(name_of_file("a.html", image_format), image_format) == []


def test_a_header_that_claims_too_much_is_refused_before_anything_is_decoded():
    assert refused(claiming(60_000, 60_000)) == (
        "too_many_pixels",
        "It has 3600.0 megapixels; the limit is 1.0. Save it smaller.",
    )


@pytest.mark.parametrize(
    "data",
    [
        claiming(1001, 1000),
        saved(np.zeros((1001, 1000), np.uint8), "JPEG"),
        saved(np.zeros((1001, 1000), np.uint8), "GIF"),
        saved(np.zeros((1001, 1000), np.uint8), "BMP")[:2000],
        saved(np.zeros((1001, 1000), np.uint8), "WEBP"),
        saved(np.zeros((1001, 1000), np.uint8), "AVIF"),
        tiff(np.zeros((1001, 1000), np.uint8), compression="deflate"),
    ],
    ids=["PNG", "JPEG", "GIF", "BMP", "WEBP", "AVIF", "TIFF"],
)
def test_too_many_pixels_of_any_format(data):
    assert refused(data, limits=Limits(bytes=10**7, pixels=1_000_000, decoded_bytes=10**9)) == (
        "too_many_pixels",
        "It has 1.0 megapixels; the limit is 1.0. Save it smaller.",
    )


def test_bytes_in_memory_are_counted_with_bands_and_depth():
    values = values_16_bit((50, 40, 4))
    taken = Limits(bytes=10**6, pixels=10**6, decoded_bytes=50 * 40 * 4 * 2)
    assert admit(png_16_bit(values), limits=taken) == Header(
        format="PNG", width=40, height=50, bands=4, dtype="uint16", frames=1
    )
    too_few = Limits(bytes=10**6, pixels=10**6, decoded_bytes=50 * 40 * 4 * 2 - 1)
    code, sentence = refused(png_16_bit(values), limits=too_few)
    assert code == "too_large"
    assert "once decoded" in sentence


def test_the_size_in_memory_is_in_the_sentence():
    _, sentence = refused(
        tiff(np.zeros((1000, 1000), np.float64), compression="deflate"),
        limits=Limits(bytes=10**7, pixels=10**7, decoded_bytes=7_000_000),
    )
    assert sentence == "It takes 8 MB once decoded; the limit is 7. Save it smaller or with fewer bits."


@pytest.mark.parametrize("data", [PNG[:20], JPEG[:20], b"II*\0", b"BM", b"GIF89a\1", HEIC[:60], b"RIFF\0\0\0\0WEBP"])
def test_a_header_that_ends_is_corrupt(data):
    assert refused(data) == (
        "corrupt",
        "It is damaged or incomplete. Save it again with another program and try once more.",
    )


@pytest.mark.parametrize(("width", "height"), [(0, 5), (5, 0)])
def test_no_pixels_are_corrupt(width, height):
    assert refused(claiming(width, height))[0] == "corrupt"


def test_half_a_picture_passes_by_its_header_and_is_corrupt_when_decoded():
    pixels = grey((50, 50, 3))
    for data in (
        saved(pixels, "PNG"),
        saved(pixels, "JPEG"),
        png_16_bit(values_16_bit((50, 50))),
        tiff(pixels, photometric="rgb"),
    ):
        half = data[: len(data) * 2 // 3]
        assert admit(half, limits=LIMITS).height >= 5
        with pytest.raises(Refusal) as caught:
            decode(half, name="", limits=LIMITS)
        assert caught.value.code == "corrupt"


def test_a_picture_whose_data_end_before_its_pixels_is_corrupt():
    with pytest.raises(Refusal) as caught:
        decode(claiming(100, 100), name="", limits=LIMITS)
    assert caught.value.code == "corrupt"


def test_a_bomb_in_a_text_of_a_png_does_not_explode():
    text = b"Comment\0\0" + zlib.compress(bytes(100_000_000))
    with pytest.raises(Refusal) as caught:
        decode(PNG[:33] + chunk(b"zTXt", text) + PNG[33:], name="", limits=LIMITS)
    assert caught.value.code == "corrupt"


def test_a_refusal_crosses_process_borders():
    with pytest.raises(Refusal) as caught:
        admit(claiming(60_000, 60_000), limits=LIMITS)
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes
    assert (type(again), again.code, str(again)) == (Refusal, "too_many_pixels", str(caught.value))
