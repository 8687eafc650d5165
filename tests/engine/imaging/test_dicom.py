"""DICOM: the values that are measured, the size of pixels, and nothing of the patient. The reference is pydicom's own reader."""

import json
import warnings
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom import uid

from segmentation.engine import decoder
from segmentation.engine.exceptions import Refusal
from segmentation.engine.imaging import Limits, decode
from segmentation.engine.recipe import Reading, Selection
from segmentation.engine.sandbox import Allowance
from tests.engine.imaging.dicoms import JPEG_XL, PATIENT, dicom, jpeg_2000, rle
from tests.engine.imaging.pictures import LIMITS, codes, grey, read, values_16_bit

SAMPLES = Path(pydicom.__file__).parent / "data" / "test_files"
LARGER = Limits(bytes=2_000_000, pixels=2_000_000, decoded_bytes=20_000_000)


def refused(data):
    with pytest.raises(Refusal) as refusal:
        decode(data, name="", limits=LIMITS)
    return refusal.value.code, str(refusal.value)


def band(data):
    return read(data).data[:, :, 0]


def test_values_of_16_bits_with_their_size_and_a_notice():
    values = values_16_bit()
    picture = read(dicom(values, PixelSpacing=[0.5, 0.25], Modality="CT", Manufacturer="Maker"))
    np.testing.assert_array_equal(picture.data[:, :, 0], values)
    assert (picture.header.format, picture.header.dtype, picture.header.bands) == ("DICOM", "uint16", 1)
    assert picture.pixel_size.to_mapping() == {"width": 0.25, "height": 0.5, "unit": "mm", "source": "dicom"}
    assert codes(picture) == ["dicom_private", "depth_reduced", "grey"]


def test_nothing_of_the_patient_is_kept():
    inspection = decoder.inspect(dicom(values_16_bit(), Modality="CT", Manufacturer="Maker"), name="", limits=LIMITS)
    assert inspection.metadata == {"schema": 1, "make": "Maker", "modality": "CT"}
    kept = json.dumps([inspection.metadata, [notice.to_mapping() for notice in inspection.notices]])
    assert not any(text in kept for text in (PATIENT, "4711", "1970", "Doe"))
    assert not any(
        text in rendition.data for rendition in (inspection.display, inspection.thumbnail) for text in (b"Doe", b"4711")
    )


def test_the_spacing_of_a_detector_is_only_suggested():
    picture = read(dicom(grey(), ImagerPixelSpacing=[0.2, 0.2]))
    assert picture.pixel_size is None
    assert picture.pixel_size_suggested.to_mapping() == {"width": 0.2, "height": 0.2, "unit": "mm", "source": "dicom"}


@pytest.mark.parametrize("spacing", [[0, 0], [-1, 1], ["1e400", "1e400"], ["nan", "nan"], ["1"], ["x", "y"]])
def test_spacings_that_make_no_sense(spacing):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = dicom(grey(), PixelSpacing=["1.5", "1.5"])
    text = "\\".join(map(str, spacing)).encode()
    written = b"\x28\x00\x30\x00DS"
    place = data.index(written) + len(written)
    length = int.from_bytes(data[place : place + 2], "little")
    text = text.ljust(len(text) + len(text) % 2)
    changed = data[:place] + len(text).to_bytes(2, "little") + text + data[place + 2 + length :]
    assert read(changed).pixel_size is None


def test_shared_spacing_of_an_enhanced_file():
    measures = pydicom.Dataset()
    measures.PixelSpacing = [0.7, 0.6]
    group = pydicom.Dataset()
    group.PixelMeasuresSequence = [measures]
    picture = read(dicom(grey(), SharedFunctionalGroupsSequence=[group]))
    assert (picture.pixel_size.width, picture.pixel_size.height) == (0.6, 0.7)


# --- values ---------------------------------------------------------------------------------------------------------------


def test_signed_values():
    values = values_16_bit(dtype=np.int16) - 15_000
    np.testing.assert_array_equal(band(dicom(values)), values)


def test_rescaled_to_whole_numbers():
    values = (values_16_bit() % 4096).astype(np.uint16)
    picture = read(dicom(values, BitsStored=12, HighBit=11, RescaleSlope=1, RescaleIntercept=-1024))
    assert picture.header.dtype == "int16"
    np.testing.assert_array_equal(picture.data[:, :, 0], values.astype(int) - 1024)


def test_rescaled_to_real_numbers():
    values = values_16_bit()
    picture = read(dicom(values, RescaleSlope="0.5", RescaleIntercept="10.25"))
    assert picture.header.dtype == "float32"
    np.testing.assert_allclose(picture.data[:, :, 0], values * 0.5 + 10.25)


def test_monochrome1_is_turned():
    values = (values_16_bit() % 4096).astype(np.uint16)
    picture = read(dicom(values, BitsStored=12, HighBit=11, PhotometricInterpretation="MONOCHROME1"))
    np.testing.assert_array_equal(picture.data[:, :, 0], 4095 - values.astype(int))
    assert "inverted" in codes(picture)
    shown = picture.pixels[:, :, 0].astype(int)
    assert np.corrcoef(shown.ravel(), values.ravel())[0, 1] < -0.99


def test_what_lies_in_bits_that_do_not_count_is_left_out():
    values = (values_16_bit() % 4096).astype(np.uint16)
    overlaid = values | np.uint16(0xA000)
    np.testing.assert_array_equal(band(dicom(overlaid, BitsStored=12, HighBit=11)), values)
    negative = (values.astype(int) - 2048).astype(np.int16)
    cut = (negative.view(np.uint16) & 0x0FFF) | 0x5000
    data = dicom(cut, BitsStored=12, HighBit=11, PixelRepresentation=1)
    np.testing.assert_array_equal(band(data), negative)


def test_colours_interleaved_and_in_planes():
    values = grey((6, 8, 3))
    np.testing.assert_array_equal(read(dicom(values)).pixels, values)
    planes = dicom(values, content=np.moveaxis(values, -1, 0).tobytes(), PlanarConfiguration=1)
    np.testing.assert_array_equal(read(planes).pixels, values)


def test_one_bit():
    values = np.random.default_rng(0).random((8, 8)) > 0.5
    content = np.packbits(values, bitorder="little").tobytes()
    data = dicom(values.astype(np.uint8), content=content, BitsAllocated=1, BitsStored=1, HighBit=0)
    np.testing.assert_array_equal(band(data) > 0, values)


def test_big_endian():
    values = values_16_bit()
    big = dicom(values, uid.ExplicitVRBigEndian, content=values.astype(">u2").tobytes())
    np.testing.assert_array_equal(band(big), values)


def test_a_palette():
    table = np.arange(256, dtype=np.uint16) << 8
    lut = {}
    for name, numbers in (("Red", table), ("Green", table[::-1]), ("Blue", table // 2)):
        lut[f"{name}PaletteColorLookupTableDescriptor"] = [256, 0, 16]
        lut[f"{name}PaletteColorLookupTableData"] = numbers.tobytes()
    values = grey((6, 8))
    picture = read(dicom(values, PhotometricInterpretation="PALETTE COLOR", **lut))
    np.testing.assert_array_equal(picture.pixels, np.dstack([values, 255 - values, values // 2]))
    assert "palette_applied" in codes(picture)


# --- compressions ---------------------------------------------------------------------------------------------------------


def test_lossless_compressions():
    values = values_16_bit((20, 30))
    np.testing.assert_array_equal(band(jpeg_2000(values)), values)
    np.testing.assert_array_equal(band(rle(values)), values)
    encoded = imagecodecs.jpegls_encode(values)
    np.testing.assert_array_equal(band(dicom(values, uid.JPEGLSLossless, content=encoded)), values)
    encoded = imagecodecs.ljpeg_encode(values)
    np.testing.assert_array_equal(band(dicom(values, uid.JPEGLosslessSV1, content=encoded)), values)
    colours = grey((20, 30, 3))
    np.testing.assert_array_equal(read(rle(colours)).pixels, colours)
    np.testing.assert_array_equal(read(jpeg_2000(colours, PhotometricInterpretation="YBR_RCT")).pixels, colours)
    encoded = imagecodecs.jpegxl_encode(values, lossless=True)
    np.testing.assert_array_equal(band(dicom(values, JPEG_XL, content=encoded)), values)


def test_jpeg_in_either_colour_space():
    smooth = np.dstack([np.add.outer(np.arange(32), np.arange(48)) + shift for shift in (0, 40, 90)]).astype(np.uint8)
    coded = imagecodecs.jpeg8_encode(smooth, level=98, colorspace="RGB", outcolorspace="YCBCR", subsampling="444")
    picture = read(dicom(smooth, uid.JPEGBaseline8Bit, content=coded, PhotometricInterpretation="YBR_FULL"))
    assert np.abs(picture.pixels.astype(int) - smooth).max() <= 4
    coded = imagecodecs.jpeg8_encode(smooth, level=98, colorspace="RGB", outcolorspace="RGB", subsampling="444")
    picture = read(dicom(smooth, uid.JPEGBaseline8Bit, content=coded))
    assert np.abs(picture.pixels.astype(int) - smooth).max() <= 4


@pytest.mark.parametrize(
    "name",
    [
        "693_J2KI.dcm", "CT_small.dcm", "ExplVR_BigEnd.dcm", "J2K_pixelrep_mismatch.dcm", "JPEG2000.dcm", "MR_small_RLE.dcm",
        "MR_small_bigendian.dcm", "MR_small_implicit.dcm", "MR_small_jp2klossless.dcm", "MR_small_padded.dcm",
        "SC_rgb_dcmtk_+eb+cr.dcm", "SC_rgb_dcmtk_+eb+cy+np.dcm", "SC_rgb_gdcm_KY.dcm", "SC_rgb_rle_16bit.dcm",
        "SC_rgb_small_odd.dcm", "SC_rgb_small_odd_jpeg.dcm", "examples_palette.dcm", "examples_overlay.dcm", "liver_1frame.dcm",
    ],
)  # fmt: skip
def test_files_of_devices_have_the_values_that_pydicom_reads(name):
    """pydicom decodes with its own code and Pillow, which here are independent of imagecodecs."""
    path = SAMPLES / name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path)
        expected = pydicom.pixels.apply_modality_lut(dataset.pixel_array, dataset)
        if dataset.PhotometricInterpretation == "PALETTE COLOR":
            expected = pydicom.pixels.apply_color_lut(dataset.pixel_array, dataset) >> 8
    picture = decode(path.read_bytes(), name=name, limits=LARGER)
    found = picture.data if expected.ndim == 3 else picture.data[:, :, 0]
    expected = expected * 255 if dataset.BitsAllocated == 1 else expected
    np.testing.assert_allclose(found, expected, atol=0)


@pytest.mark.parametrize("name", ["JPGExtended.dcm", "MR_small_jpeg_ls_lossless.dcm", "SC_rgb_jpeg_gdcm.dcm"])
def test_files_of_devices_that_pydicom_alone_cannot_decode(name):
    picture = decode((SAMPLES / name).read_bytes(), name=name, limits=LARGER)
    assert picture.data.std() > 0


def test_the_confined_decoder_has_all_that_it_needs():
    values = grey((20, 30))
    for data in (
        dicom(values), rle(values), jpeg_2000(values_16_bit((20, 30))),
        dicom(values, uid.JPEGLSLossless, content=imagecodecs.jpegls_encode(values)),
        (SAMPLES / "examples_palette.dcm").read_bytes(), (SAMPLES / "SC_rgb_small_odd_jpeg.dcm").read_bytes(),
    ):  # fmt: skip
        here, there = decode(data, name="", limits=LARGER), decoder.decode(data, name="", limits=LARGER)
        np.testing.assert_array_equal(here.data, there.data)
        assert (here.notices, here.metadata, here.header) == (there.notices, there.metadata, there.header)


# --- what is refused ------------------------------------------------------------------------------------------------------


def test_of_several_frames_the_first_is_taken_and_told():
    stack = grey((3, 6, 8))
    picture = read(dicom(stack, frames=3))
    np.testing.assert_array_equal(picture.data[:, :, 0], stack[0])
    assert codes(picture)[0] == "first_frame"
    assert picture.header.frames == 3


def test_a_slide_in_tiles_is_refused():
    code, sentence = refused(dicom(grey((3, 6, 8)), frames=3, TotalPixelMatrixColumns=24))
    assert code == "unsupported_format"
    assert "slide in tiles" in sentence


@pytest.mark.parametrize("syntax", [uid.DeflatedExplicitVRLittleEndian, uid.MPEG2MPML, "1.2.3.4"])
def test_ways_of_writing_that_are_not_read_are_named(syntax):
    data = dicom(grey())
    other = str(syntax).encode().ljust(20, b"\0")[:20]
    code, sentence = refused(data.replace(b"1.2.840.10008.1.2.1\0", other, 1))
    assert code == "unsupported_format"
    assert "not supported here" in sentence


def test_a_file_without_a_picture():
    dataset = pydicom.dcmread(SAMPLES / "rtplan.dcm")
    assert "Rows" not in dataset
    assert (
        refused((SAMPLES / "rtplan.dcm").read_bytes())[1] == "It is a DICOM file without a picture. Choose another one."
    )


@pytest.mark.parametrize(
    "elements",
    [
        {"NumberOfFrames": 2**31},
        {"BitsAllocated": 7},
        {"BitsStored": 99},
        {"SamplesPerPixel": 2},
        {"SamplesPerPixel": 60_000},
    ],
)
def test_elements_that_contradict_each_other(elements):
    assert refused(dicom(grey(), **elements))[0] in {"corrupt", "unsupported_format"}


def test_fewer_pixels_than_it_says():
    assert refused(dicom(grey((50, 50)), content=bytes(100)))[0] == "corrupt"


def test_a_frame_of_another_size_than_the_file_says_is_not_decoded():
    small, large = values_16_bit((8, 8)), values_16_bit((90, 90))
    for syntax, encode in (
        (
            uid.JPEG2000Lossless,
            lambda values: imagecodecs.jpeg2k_encode(values, level=0, reversible=True, codecformat="j2k"),
        ),
        (uid.JPEGLSLossless, imagecodecs.jpegls_encode),
        (uid.JPEGLosslessSV1, imagecodecs.ljpeg_encode),
        (JPEG_XL, lambda values: imagecodecs.jpegxl_encode(values, lossless=True)),
    ):
        assert refused(dicom(small, syntax, content=encode(large)))[0] == "corrupt"


def test_the_limit_on_pixels_is_applied_before_anything_is_decoded():
    data = dicom(grey(), Rows=60_000, Columns=60_000)
    assert refused(data)[0] == "too_many_pixels"


@pytest.mark.parametrize("compressed", [False, True])
def test_any_frame_can_be_chosen(compressed):
    stack = grey((3, 6, 8))
    data = rle(stack, frames=3) if compressed else dicom(stack, frames=3)
    for frame in range(3):
        picture = decode(data, name="", limits=LIMITS, reading=Reading(selection=Selection(series=frame)))
        np.testing.assert_array_equal(picture.data[:, :, 0], stack[frame])
    with pytest.raises(Refusal) as refusal:
        decode(data, name="", limits=LIMITS, reading=Reading(selection=Selection(series=3)))
    assert refusal.value.code == "invalid_request"


def test_a_large_frame_in_a_small_picture_takes_no_memory():
    huge = imagecodecs.jpegxl_encode(np.zeros((12_000, 12_000), np.uint8), lossless=True, effort=1)
    data = dicom(grey((8, 8)), JPEG_XL, content=huge)
    with pytest.raises(Refusal) as refusal:
        decoder.inspect(data, name="", limits=LIMITS, allowance=Allowance(memory=60_000_000, seconds=60))
    assert refusal.value.code == "corrupt"
