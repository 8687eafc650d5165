"""JPEG 2000 and JPEG XL in their own depth and with all their bands. The reference is what was encoded."""

import struct
from io import BytesIO

import imagecodecs
import numpy as np
import PIL.Image
import pytest

from segmentation.engine import decoder
from segmentation.engine.exceptions import Refusal
from segmentation.engine.imaging import decode, jpeg2000, jpegxl
from segmentation.engine.imaging.formats import detect_format
from segmentation.engine.recipe import Reading, Selection
from segmentation.engine.recipe.reading import Alpha
from tests.engine.imaging.geotiffs import utm
from tests.engine.imaging.pictures import LIMITS, codes, grey, in_colour, read, rgb_profile, values_16_bit

GEOJP2 = bytes.fromhex("b14bf8bd083d4b43a5ae8cd7d5a6ce03")


def jp2(values, codecformat="jp2", **options):
    return imagecodecs.jpeg2k_encode(values, level=0, reversible=True, codecformat=codecformat, **options)


def jxl(values, **options):
    return imagecodecs.jpegxl_encode(values, lossless=True, **options)


def pillow_jp2(image, **options):
    file = BytesIO()
    PIL.Image.fromarray(image).save(file, "JPEG2000", **options)
    return file.getvalue()


def refused(data):
    with pytest.raises(Refusal) as refusal:
        decode(data, name="", limits=LIMITS)
    return refusal.value.code, str(refusal.value)


def box(kind, content):
    return struct.pack(">I4s", 8 + len(content), kind) + content


def with_boxes(data, **boxes):
    """The same file with boxes in its header replaced, or added behind the others."""
    start = data.index(b"jp2h") - 4
    size = int.from_bytes(data[start : start + 4])
    content, place = data[start + 8 : start + size], 0
    kept = []
    while place < len(content):
        length, kind = int.from_bytes(content[place : place + 4]), content[place + 4 : place + 8].decode()
        kept.append(box(kind.encode(), boxes.pop(kind)) if kind in boxes else content[place : place + length])
        place += length
    kept += [box(kind.encode(), body) for kind, body in boxes.items()]
    return data[:start] + box(b"jp2h", b"".join(kept)) + data[start + size :]


VALUES = {
    "8 bits": grey((20, 30)),
    "colours": grey((20, 30, 3)),
    "16 bits": values_16_bit((20, 30)),
    "16-bit colours": values_16_bit((20, 30, 3)),
    "signed": values_16_bit((20, 30)).astype(np.int16) - 15_000,
    "six bands": values_16_bit((20, 30, 6)),
}


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("container", ["jp2", "j2k"])
def test_jpeg_2000_keeps_depth_and_bands(kind, container):
    values = VALUES[kind]
    picture = read(jp2(values, container))
    n_bands = 1 if values.ndim == 2 else values.shape[2]
    np.testing.assert_array_equal(picture.data, values.reshape(20, 30, n_bands))
    header = picture.header
    assert (header.format, header.width, header.height) == ("JPEG2000", 30, 20)
    assert (header.bands, header.dtype, header.frames) == (n_bands, values.dtype.name, 1)


@pytest.mark.parametrize("kind", [kind for kind in VALUES if kind not in {"signed", "six bands"}])
@pytest.mark.parametrize("is_boxed", [True, False])
def test_jpeg_xl_keeps_depth_and_bands(kind, is_boxed):
    values = VALUES[kind]
    picture = read(jxl(values, usecontainer=is_boxed))
    n_bands = 1 if values.ndim == 2 else values.shape[2]
    np.testing.assert_array_equal(picture.data, values.reshape(20, 30, n_bands))
    header = picture.header
    assert (header.format, header.width, header.height) == ("JXL", 30, 20)
    assert (header.bands, header.dtype) == (n_bands, values.dtype.name)


def test_jpeg_xl_with_many_bands():
    values = values_16_bit((5, 20, 30))
    picture = read(jxl(values, photometric="gray", planar=True))
    np.testing.assert_array_equal(picture.data, np.moveaxis(values, 0, -1))
    assert picture.header.bands == 5
    assert "bands_ignored" in codes(picture)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_jpeg_xl_of_real_numbers(dtype):
    values = np.random.default_rng(0).random((20, 30)).astype(dtype)
    picture = read(jxl(values))
    np.testing.assert_array_equal(picture.data[:, :, 0], values)
    assert picture.header.dtype == np.dtype(dtype).name


@pytest.mark.parametrize("encode", [jp2, jxl])
def test_twelve_bits_keep_their_values(encode):
    values = (values_16_bit((20, 30)) % 4096).astype(np.uint16)
    picture = read(encode(values, bitspersample=12))
    np.testing.assert_array_equal(picture.data[:, :, 0], values)


def test_alpha_of_jpeg_2000():
    values = grey((16, 16, 4))
    values[:4, :, 3] = 0
    data = pillow_jp2(values, irreversible=False)
    assert jpeg2000.read_header(data).alpha == 3
    picture = read(data)
    assert (~picture.valid).sum() == (values[:, :, 3] == 0).sum()
    assert picture.data.shape[2] == 3
    assert "alpha_over_white" in codes(picture)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_alpha_of_jpeg_xl(dtype):
    values = np.full((16, 16, 4), np.iinfo(dtype).max, dtype)
    values[:4, :, 3] = 0
    picture = read(jxl(values))
    assert (~picture.valid).sum() == 64
    assert picture.data.shape[2] == 3


def test_colours_of_jpeg_2000_in_ycc():
    file = BytesIO()
    smooth = np.dstack([np.add.outer(np.arange(32), np.arange(48)) + shift for shift in (0, 40, 90)]).astype(np.uint8)
    PIL.Image.fromarray(smooth).convert("YCbCr").save(file, "JPEG2000")
    assert np.abs(read(file.getvalue()).pixels.astype(int) - smooth).max() <= 4


def test_a_profile_of_jpeg_2000_is_applied_as_in_other_formats():
    pixels = grey((16, 16, 3))
    profile = rgb_profile(swapped=True)
    picture = read(with_boxes(jp2(pixels), colr=b"\2\0\0" + profile))
    assert "profile_converted" in codes(picture)
    assert np.abs(picture.pixels[:, :, 0].astype(int) - pixels[:, :, 1]).max() < 40  # red is green there
    assert not np.array_equal(picture.pixels, pixels)


def test_a_place_in_jpeg_2000_is_that_of_the_tiff_in_its_box():
    data = jp2(grey((6, 8))) + box(b"uuid", GEOJP2 + utm())
    picture = read(data)
    assert picture.georeference == read(utm()).georeference
    assert picture.pixel_size.source == "geotiff"
    assert picture.pixel_size_suggested is None


def test_the_first_frame_of_an_animated_jpeg_xl():
    frames = np.stack([np.full((16, 16, 3), value, np.uint8) for value in (10, 200, 90)])
    picture = read(jxl(frames, photometric="rgb"))
    assert (picture.pixels == 10).all()
    assert "animation" in codes(picture)


def test_a_jpeg_in_jpeg_xl_and_lossy_jpeg_xl():
    smooth = np.dstack([np.add.outer(np.arange(64), np.arange(48)) + shift for shift in (0, 40, 90)]).astype(np.uint8)
    picture = read(imagecodecs.jpegxl_encode(smooth, distance=1.0, lossless=False))
    assert np.abs(picture.pixels.astype(int) - smooth).max() < 20


def test_grey_is_shown_grey():
    values = grey((20, 30))
    for data in (jp2(values), jxl(values)):
        picture = read(data)
        np.testing.assert_array_equal(picture.pixels, in_colour(values))
        assert codes(picture) == ["grey"]


# --- headers --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (256, 256), (255, 257), (600, 800), (900, 300), (40, 20_000)])
@pytest.mark.parametrize("shape", [(), (3,), (4,)])
def test_the_sizes_that_headers_say(size, shape):
    values = np.zeros((*size, *shape), np.uint8)
    found = jpegxl.read_header(jxl(values, effort=1))
    assert (found.height, found.width, found.bands) == (*size, shape[0] if shape else 1)
    found = jpeg2000.read_header(jp2(values))
    assert (found.height, found.width, found.bands) == (*size, shape[0] if shape else 1)


def test_orientations_of_jpeg_xl_are_read_from_its_header():
    """All fields before the orientation have their usual values: size of 8 by 16, then three bits."""
    for orientation in range(1, 9):
        bits = [1, *_number(0, 5), *_number(0, 3), *_number(1, 5), 0, 1, *_number(orientation - 1, 3), 0, 0, 0, 0, 0, 0]
        bits += [0] * 200
        data = jpegxl.CODESTREAM_SIGNATURE + np.packbits(bits, bitorder="little").tobytes()
        found = jpegxl.read_header(data)
        assert (found.height, found.width, found.orientation) == (8, 16, orientation)


def _number(value, count):
    return [value >> index & 1 for index in range(count)]


def test_limits_are_applied_before_anything_is_decoded():
    data = bytearray(jp2(grey((20, 30)), "j2k"))
    data[8:16] = data[24:32] = struct.pack(">II", 60_000, 60_000)  # the picture, and its tiles
    assert refused(bytes(data))[0] == "too_many_pixels"
    huge = (
        jpegxl.CODESTREAM_SIGNATURE
        + np.packbits([0, 1, 1, *[1] * 30, 1, 0, 0, 1, *[0] * 40], bitorder="little").tobytes()
    )
    assert refused(huge)[0] == "too_many_pixels"
    assert refused(jp2(np.zeros((8, 8, 17), np.uint8)))[0] == "too_many_bands"


def test_colour_spaces_that_are_not_known_are_named():
    data = jp2(grey((16, 16, 4)))
    place = data.index(b"colr")
    cmyk = data[: place + 7] + struct.pack(">I", 12) + data[place + 11 :]
    assert refused(cmyk) == ("unsupported_format", "Its colour space is not known here. Save it as RGB or grey.")


def test_bands_of_different_depths_are_refused_in_words():
    data = bytearray(jp2(grey((16, 16, 3)), "j2k"))
    data[42 + 3] = 11  # the depth of the second component
    assert refused(bytes(data))[0] == "unsupported_format"


@pytest.mark.parametrize("data", [jp2(grey((20, 30, 3))), jxl(grey((20, 30, 3)))], ids=["jp2", "jxl"])
def test_a_file_that_is_cut_off_is_damaged(data):
    for end in (12, 20, 40, len(data) // 2):
        assert refused(data[:end])[0] in {"corrupt", "unsupported_format"}


def test_formats_are_found_by_their_first_bytes():
    assert detect_format(jp2(grey())) == detect_format(jp2(grey(), "j2k")) == "JPEG2000"
    assert detect_format(jxl(grey(), usecontainer=True)) == detect_format(jxl(grey(), usecontainer=False)) == "JXL"


def test_the_confined_decoder_has_all_that_it_needs():
    for data in (
        *(jp2(values) for values in VALUES.values()), jxl(VALUES["16-bit colours"]), jxl(np.float32(grey()) / 255),
        imagecodecs.jpegxl_encode(grey((20, 30, 3)), distance=1.0, lossless=False), pillow_jp2(grey((16, 16, 4))),
        jp2(grey((6, 8))) + box(b"uuid", GEOJP2 + utm()),
    ):  # fmt: skip
        here, there = decode(data, name="", limits=LIMITS), decoder.decode(data, name="", limits=LIMITS)
        np.testing.assert_array_equal(here.data, there.data)
        np.testing.assert_array_equal(here.pixels, there.pixels)
        assert (here.notices, here.header) == (there.notices, there.header)


@pytest.mark.parametrize("encode", [jp2, jxl])
def test_photographs_of_16_bits_are_shown_as_their_copies_of_8_bits(encode):
    values = (grey((20, 30, 3)) // 2).astype(np.uint16) * 257
    picture = read(encode(values))
    np.testing.assert_array_equal(picture.pixels, values // 257)


def test_a_chosen_band_and_alpha_as_a_band():
    values = grey((16, 16, 4))
    values[:, :, 3] |= 1
    data = jxl(values)
    picture = decode(data, name="", limits=LIMITS, reading=Reading(alpha=Alpha.DATA))
    np.testing.assert_array_equal(picture.data, values)
    picture = decode(
        jp2(VALUES["six bands"]), name="", limits=LIMITS, reading=Reading(selection=Selection(channels=(4, 1)))
    )
    np.testing.assert_array_equal(picture.data, VALUES["six bands"][:, :, [4, 1]])


def test_a_palette_of_jpeg_2000():
    values = grey((16, 16))
    entries = np.dstack([np.arange(256), 255 - np.arange(256), np.arange(256) // 2]).astype(np.uint8)
    palette = struct.pack(">HB", 256, 3) + b"\7\7\7" + entries.tobytes()
    mapping = b"".join(struct.pack(">HBB", 0, 1, column) for column in range(3))
    picture = read(with_boxes(jp2(values), colr=b"\1\0\0" + struct.pack(">I", 16), pclr=palette, cmap=mapping))
    np.testing.assert_array_equal(picture.pixels, np.dstack([values, 255 - values, values // 2]))
    assert picture.header.bands == 3
    assert "palette_applied" in codes(picture)


def test_colours_that_were_multiplied_by_alpha_are_refused_in_words():
    definitions = struct.pack(">H", 4) + b"".join(struct.pack(">HHH", band, 0, band + 1) for band in range(3))
    multiplied = with_boxes(jp2(grey((16, 16, 4))), cdef=definitions + struct.pack(">HHH", 3, 2, 0))
    code, sentence = refused(multiplied)
    assert code == "unsupported_format"
    assert "multiplied by their transparency" in sentence


def test_alpha_of_12_bits_is_opaque_at_the_largest_value():
    values = (values_16_bit((16, 16, 4)) % 4096).astype(np.uint16)
    values[:, :, 3] = 4095
    values[0, 0, 3] = 0
    picture = read(jxl(values, bitspersample=12))
    assert (~picture.valid).sum() == 1
    np.testing.assert_array_equal(picture.data[1:], values[1:, :, :3])
