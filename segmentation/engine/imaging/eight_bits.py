"""Everything that Pillow decodes to 8 bits a value: all formats but deep PNG and TIFF."""

from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageCms

from segmentation.engine.imaging import metadata, orientation, profiles
from segmentation.engine.imaging.admission import Header
from segmentation.engine.imaging.notices import Notice
from segmentation.engine.imaging.planes import Planes

_PREMULTIPLIED = {"RGBa": "RGBA", "La": "LA"}
_WITH_ALPHA = {"RGBA": "RGB", "LA": "L"}
_UNDERSTOOD = {"1", "L", "RGB", "I", "F", "I;16", "I;16L", "I;16B", "I;16N"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoded:
    """A picture as its codec gives it."""

    planes: Planes
    orientation: int  # 1 to 8, still to be applied
    profile: bytes | None  # still to be applied
    notices: list[Notice] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)


def read_eight_bits(data: bytes, header: Header) -> Decoded:
    """Decode with Pillow: palette, transparency, profile and colour space; raises whatever a codec raises."""
    with PIL.Image.open(BytesIO(data), formats=[header.format]) as file:
        turned = orientation.stored(file)
        described = metadata.describe(file)
        file.load()
        profile = file.info.get("icc_profile")
        turning = _turned_by_codec(file, header.format, turned)
        image: PIL.Image.Image = file
        image, palette = _without_palette(image)
        image, alpha = _without_alpha(image)
        image, colours = _in_srgb(image, profile)
        pixels = np.asarray(image)
    return Decoded(
        planes=Planes(bands=pixels if pixels.ndim == 3 else pixels[:, :, None], alpha=alpha),
        orientation=orientation.UPRIGHT if turning else turned,
        profile=None,
        notices=turning + palette + colours,
        metadata=described,
    )


def _turned_by_codec(image: PIL.Image.Image, image_format: str, turned: int) -> list[Notice]:
    """Pillow turns TIFF, and the codec HEIF, by themselves."""
    by_itself = turned if image_format == "TIFF" else image.info.get("original_orientation")
    return [Notice("orientation_applied")] if by_itself not in {None, orientation.UPRIGHT} else []


def _without_palette(image: PIL.Image.Image) -> tuple[PIL.Image.Image, list[Notice]]:
    if image.mode not in {"P", "PA"}:
        return image, []
    is_opaque = image.mode == "P" and "transparency" not in image.info
    return image.convert("RGB" if is_opaque else "RGBA"), [Notice("palette_applied")]


def _without_alpha(image: PIL.Image.Image) -> tuple[PIL.Image.Image, np.ndarray[Any, np.dtype[np.uint8]] | None]:
    if image.mode in {"1", "L", "RGB"} and "transparency" in image.info:
        return image, np.asarray(image.convert("LA" if image.mode == "L" else "RGBA").getchannel("A"))
    image = image.convert(_PREMULTIPLIED[image.mode]) if image.mode in _PREMULTIPLIED else image
    if image.mode not in _WITH_ALPHA:
        return image, None
    alpha = np.asarray(image.getchannel("A"))
    return image.convert(_WITH_ALPHA[image.mode]), alpha


def _in_srgb(image: PIL.Image.Image, profile: bytes | None) -> tuple[PIL.Image.Image, list[Notice]]:
    notices: list[Notice] = []
    if profile and image.mode in {"L", "RGB", "CMYK"}:
        converted, notice = profiles.to_srgb(image, profile)
        image = converted.getchannel("G") if image.mode == "L" and converted.mode == "RGB" else converted  # stays grey
        notices += [notice] if notice else []
    if image.mode == "CMYK":
        return image.convert("RGB"), [*notices, Notice("cmyk_converted")]
    if image.mode in _UNDERSTOOD:
        return image, notices
    space = image.mode
    image = profiles.lab_to_srgb(image) if space == "LAB" else image.convert("RGB")
    return image, [*notices, Notice("space_converted", {"space": space})]
