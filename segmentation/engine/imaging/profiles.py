"""Embedded colour profiles (ICC), converted to sRGB with LittleCMS."""

from io import BytesIO

import PIL.Image
import PIL.ImageCms

from segmentation.engine.imaging.notices import Notice

_SRGB = PIL.ImageCms.createProfile("sRGB")
_NAME_LENGTH = 60
_OWN_SPACE = {"L": "GRAY", "RGB": "RGB ", "CMYK": "CMYK"}


def to_srgb(image: PIL.Image.Image, profile: bytes) -> tuple[PIL.Image.Image, Notice | None]:
    """Convert a picture (mode L, RGB or CMYK) from its profile.

    Returns
    -------
    image : Image
        RGB when it was converted; the same when there was nothing to do, or the profile is broken or of another space.
    notice : Notice or None
        What was done; None when it is sRGB already.
    """
    try:
        source = PIL.ImageCms.ImageCmsProfile(BytesIO(profile))
        if source.profile.xcolor_space != _OWN_SPACE[image.mode]:
            return image, Notice("profile_ignored")
        name = _name(source)
        if image.mode == "RGB" and name.lower().startswith("srgb"):
            return image, None
        converted = PIL.ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
    except (PIL.ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image, Notice("profile_ignored")
    if converted is None:  # only with inPlace
        return image, Notice("profile_ignored")
    return converted, Notice("profile_converted", {"profile": name})


def _name(profile: PIL.ImageCms.ImageCmsProfile) -> str:
    name = PIL.ImageCms.getProfileDescription(profile)
    printable = "".join(letter for letter in name if letter.isprintable()).strip()
    return printable[:_NAME_LENGTH] or "ICC"


def lab_to_srgb(image: PIL.Image.Image) -> PIL.Image.Image:
    """Convert a picture of mode LAB (CIE L*a*b*, D50)."""
    converted = PIL.ImageCms.profileToProfile(image, PIL.ImageCms.createProfile("LAB"), _SRGB, outputMode="RGB")
    if converted is None:  # only with inPlace
        raise ValueError("LittleCMS has converted nothing.")
    return converted
