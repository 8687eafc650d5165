"""Reader with Pillow, for every file that no other reader takes."""

from io import BytesIO

import numpy as np
import PIL.Image
import PIL.ImageCms
from numpy.typing import NDArray

from segmentation.engine.imaging import metadata, orientation, profiles
from segmentation.engine.imaging.admission import Header
from segmentation.engine.imaging.decoded_bands import DecodedBands, DecodedFile
from segmentation.engine.imaging.notices import Notice

_UNPREMULTIPLIED = {"RGBa": "RGBA", "La": "LA"}
_WITHOUT_ALPHA = {"RGBA": "RGB", "LA": "L"}
_KEPT_MODES = {"1", "L", "RGB", "I", "F", "I;16", "I;16L", "I;16B", "I;16N"}


def read_with_pillow(data: bytes, header: Header, *, picture: int = 0) -> DecodedFile:
    """Decode a picture of a file and apply its palette, colour profile and colour space.

    Any exception of the codec passes through.
    """
    with PIL.Image.open(BytesIO(data), formats=[header.format]) as file:
        if picture:
            file.seek(picture)
        stored_orientation = orientation.read_orientation(file)
        file_metadata = metadata.from_image(file)
        file.load()
        profile = file.info.get("icc_profile")
        rotation = _notice_of_codec_rotation(file, header.format, stored_orientation)
        image: PIL.Image.Image = file
        image, palette = _without_palette(image)
        image, alpha = _without_alpha(image)
        image, conversion = _to_srgb(image, profile)
        pixels = np.asarray(image)
    return DecodedFile(
        bands=DecodedBands(values=pixels if pixels.ndim == 3 else pixels[:, :, None], alpha=alpha),
        orientation=orientation.UPRIGHT if rotation else stored_orientation,
        profile=None,
        notices=rotation + palette + conversion,
        metadata=file_metadata,
    )


def can_pillow_read(data: bytes, bands: int) -> bool:
    """Return whether Pillow reads all bands of a TIFF file of 8 bits or 1 bit a value.

    Pillow reads more compressions and colour spaces than `tiff_reader`, but skips bands that are neither colour
    nor alpha.
    """
    try:
        with PIL.Image.open(BytesIO(data), formats=["TIFF"]) as image:
            has_all_bands = len(image.getbands()) >= bands
            return has_all_bands and image.info.get("compression") != "webp"  # its libtiff is built without WebP
    except PIL.UnidentifiedImageError:
        return False


def _notice_of_codec_rotation(image: PIL.Image.Image, image_format: str, stored_orientation: int) -> list[Notice]:
    """Return a notice when the codec has rotated the picture itself, as Pillow does for TIFF and the HEIF codec for HEIF."""
    applied = stored_orientation if image_format == "TIFF" else image.info.get("original_orientation")
    return [Notice("orientation_applied")] if applied not in {None, orientation.UPRIGHT} else []


def _without_palette(image: PIL.Image.Image) -> tuple[PIL.Image.Image, list[Notice]]:
    """Return the image with its palette applied."""
    if image.mode not in {"P", "PA"}:
        return image, []
    is_opaque = image.mode == "P" and "transparency" not in image.info
    return image.convert("RGB" if is_opaque else "RGBA"), [Notice("palette_applied")]


def _without_alpha(image: PIL.Image.Image) -> tuple[PIL.Image.Image, NDArray[np.uint8] | None]:
    """Return the image without its alpha channel, and that channel (H, W)."""
    if image.mode in {"1", "L", "RGB"} and "transparency" in image.info:
        return image, np.asarray(image.convert("LA" if image.mode == "L" else "RGBA").getchannel("A"))
    image = image.convert(_UNPREMULTIPLIED[image.mode]) if image.mode in _UNPREMULTIPLIED else image
    if image.mode not in _WITHOUT_ALPHA:
        return image, None
    alpha = np.asarray(image.getchannel("A"))
    return image.convert(_WITHOUT_ALPHA[image.mode]), alpha


def _to_srgb(image: PIL.Image.Image, profile: bytes | None) -> tuple[PIL.Image.Image, list[Notice]]:
    """Return the image in sRGB: L stays L, high bit depths stay as they are, everything else becomes RGB."""
    notices: list[Notice] = []
    if profile and image.mode in {"L", "RGB", "CMYK"}:
        converted, notice = profiles.to_srgb(image, profile)
        image = converted.getchannel("G") if image.mode == "L" and converted.mode == "RGB" else converted  # stays grey
        notices += [notice] if notice else []
    if image.mode == "CMYK":
        return image.convert("RGB"), [*notices, Notice("cmyk_converted")]
    if image.mode in _KEPT_MODES:
        return image, notices
    space = image.mode
    image = profiles.lab_to_srgb(image) if space == "LAB" else image.convert("RGB")
    return image, [*notices, Notice("space_converted", {"space": space})]
