import hashlib
import io

import numpy as np
import PIL.Image
import pytest
import tifffile

from segmentation.engine.exceptions import Refusal
from segmentation.engine.imaging import Limits, masks

LIMITS = Limits(bytes=10**7, pixels=10**6, decoded_bytes=10**7)


@pytest.fixture
def mask():
    """Return a mask of a corner and a single pixel, in a picture that is not square."""
    mask = np.zeros((7, 11), dtype=bool)
    mask[:3, :4] = True
    mask[5, 9] = True
    return mask


def saved(image, image_format="PNG", **more):
    file = io.BytesIO()
    image.save(file, image_format, **more)
    return file.getvalue()


def tiff(values, **more):
    file = io.BytesIO()
    tifffile.imwrite(file, values, **more)
    return file.getvalue()


def image(values, mode=None):
    picture = PIL.Image.fromarray(values)
    return picture if mode is None else picture.convert(mode)


def read(data, name="mask"):
    return masks.read(data, name=name, limits=LIMITS)


def with_palette(mask):
    picture = PIL.Image.fromarray(mask.astype(np.uint8) * 3)
    picture.putpalette([0, 0, 0, 9, 9, 9, 8, 8, 8, 128, 0, 0])
    return picture


def with_inverting_palette(mask):
    picture = PIL.Image.fromarray(mask.astype(np.uint8) * 255)
    picture.putpalette([level for index in range(256) for level in (255 - index,) * 3])
    return picture


def layer(mask, colour=(255, 0, 0)):
    """Return a transparent image with the mask painted in a colour."""
    pixels = np.zeros((*mask.shape, 4), dtype=np.uint8)
    pixels[..., :3] = colour
    pixels[..., 3] = mask * 120
    return PIL.Image.fromarray(pixels)


FILES = {
    "grey of 0 and 255": lambda mask: saved(image(mask.astype(np.uint8) * 255)),
    "grey of 0 and 1": lambda mask: saved(image(mask.astype(np.uint8))),
    "one bit": lambda mask: saved(image(mask.astype(np.uint8) * 255, "1")),
    "palette": lambda mask: saved(with_palette(mask)),
    "colour": lambda mask: saved(image(np.dstack([mask * 0, mask * 0, mask * 1]).astype(np.uint8))),
    "layer": lambda mask: saved(layer(mask)),
    "gif": lambda mask: saved(with_palette(mask), "GIF"),
    "bmp": lambda mask: saved(image(mask.astype(np.uint8) * 255), "BMP"),
    "numbered objects of 16 bits": lambda mask: saved(
        PIL.Image.fromarray(mask * np.arange(300, 377, dtype=np.uint16).reshape(7, 11))
    ),
    "tiff of 8 bits": lambda mask: tiff(mask.astype(np.uint8)),
    "tiff of 16 bits": lambda mask: tiff(mask.astype(np.uint16)),
    "tiff of real numbers": lambda mask: tiff(mask.astype(np.float32) * 0.001),
    "ImageJ's inverting table": lambda mask: tiff(mask.astype(np.uint8) * 255, photometric="miniswhite"),
    "an array of True and False": tiff,
    "an inverting palette": lambda mask: saved(with_inverting_palette(mask)),
    "black paint on a transparent layer": lambda mask: saved(layer(mask, (0, 0, 0))),
    "tiff of 1 bit": lambda mask: saved(image(mask.astype(np.uint8) * 255, "1"), "TIFF", compression="group4"),
}


@pytest.mark.parametrize("kind", FILES)
def test_what_is_neither_black_nor_transparent_is_left_out(kind, mask):
    np.testing.assert_array_equal(read(FILES[kind](mask)), mask)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_is_rotated_as_a_picture_is(orientation, mask):
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    upright = {
        1: mask, 2: mask[:, ::-1], 3: mask[::-1, ::-1], 4: mask[::-1], 5: mask.T, 6: np.rot90(mask, -1),
        7: np.rot90(mask, 2).T, 8: np.rot90(mask),
    }[orientation]  # fmt: skip
    picture = image(mask.astype(np.uint8) * 255)
    for image_format in ("PNG", "TIFF"):
        np.testing.assert_array_equal(read(saved(picture, image_format, exif=exif)), upright)


@pytest.mark.parametrize("image_format", ["JPEG", "WEBP"])
def test_formats_that_change_black_are_refused_with_those_that_do_not(image_format, mask):
    with pytest.raises(Refusal) as refused:
        read(saved(image(mask.astype(np.uint8) * 255).convert("RGB"), image_format))
    assert refused.value.code == "unsupported_format"
    assert "PNG, TIFF, BMP or GIF" in str(refused.value)


@pytest.mark.parametrize(
    "data",
    [
        tiff(np.ones((4, 5, 3), np.uint16), photometric="rgb"),
        saved(PIL.Image.new("CMYK", (5, 4)), "TIFF"),
        saved(PIL.Image.new("LAB", (5, 4)), "TIFF"),
        tiff(np.ones((4, 5), np.float64)),
    ],
)
def test_kinds_that_would_be_read_wrongly_are_refused(data):
    with pytest.raises(Refusal) as refused:
        read(data)
    assert (refused.value.code, "PNG" in str(refused.value)) == ("unsupported_format", True)


@pytest.mark.parametrize(("cut", "code"), [(0, "empty"), (5, "unsupported_format"), (60, "corrupt")])
def test_damaged_files_are_refused(cut, code, mask):
    with pytest.raises(Refusal) as refused:
        read(saved(image(mask.astype(np.uint8) * 255))[:cut])
    assert refused.value.code == code


def test_limits_hold_for_masks_too(mask):
    with pytest.raises(Refusal) as refused:
        masks.read(saved(image(mask)), name="mask", limits=Limits(bytes=10**6, pixels=76, decoded_bytes=10**6))
    assert refused.value.code == "too_many_pixels"


def test_what_is_kept_is_a_clean_png_of_0_and_255_and_says_how_much_is_left_out(mask):
    master = masks.master(saved(layer(mask), pnginfo=None, exif=b"Exif\0\0secret"), name="mask.png", limits=LIMITS)
    assert (master.width, master.height, master.left_out) == (11, 7, 13)
    assert master.sha256 == hashlib.sha256(master.data).hexdigest()
    with PIL.Image.open(io.BytesIO(master.data)) as kept:
        assert (kept.format, kept.mode, kept.info) == ("PNG", "L", {})
        np.testing.assert_array_equal(np.asarray(kept), mask * 255)
    assert masks.master(master.data, name="", limits=LIMITS) == master


def test_the_same_mask_in_another_format_is_the_same_master(mask):
    made = {masks.master(make(mask), name="", limits=LIMITS) for make in FILES.values()}
    assert len(made) == 1


def test_a_mask_that_keeps_nothing_is_refused():
    with pytest.raises(Refusal) as refused:
        masks.master(saved(PIL.Image.new("L", (3, 2), 255)), name="", limits=LIMITS)
    assert refused.value.code == "empty"
    assert "Black pixels of a mask are kept" in str(refused.value)
