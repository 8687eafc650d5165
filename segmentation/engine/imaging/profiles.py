"""Conversion of pictures from embedded colour profiles (ICC) to sRGB, with LittleCMS."""

from io import BytesIO

import numpy as np
import PIL.Image
import PIL.ImageCms

from segmentation.engine.imaging.notices import Notice

_SRGB = PIL.ImageCms.createProfile("sRGB")
_MAX_NAME_LENGTH = 60
_STEPS = np.rint(np.linspace(0, 255, 16)).astype(np.uint8)
_PROBES = {
    "L": PIL.Image.fromarray(np.arange(256, dtype=np.uint8)[None]),
    "RGB": PIL.Image.fromarray(np.stack(np.meshgrid(_STEPS, _STEPS, _STEPS), axis=-1).reshape(1, -1, 3)),
}
_PROFILE_SPACES = {"L": "GRAY", "RGB": "RGB ", "CMYK": "CMYK"}


def to_srgb(image: PIL.Image.Image, profile: bytes) -> tuple[PIL.Image.Image, Notice | None]:
    """Convert an image (mode L, RGB or CMYK) from its profile to sRGB.

    Returns
    -------
    image : Image
        RGB when it was converted; the given image when the profile is sRGB, damaged or of another colour space.
    notice : Notice or None
        `profile_converted` or `profile_ignored`; None when the profile is sRGB.
    """
    try:
        source = PIL.ImageCms.ImageCmsProfile(BytesIO(profile))
        if source.profile.xcolor_space != _PROFILE_SPACES[image.mode]:
            return image, Notice("profile_ignored")
        name = _name(source)
        transform = PIL.ImageCms.buildTransform(source, _SRGB, image.mode, "RGB")
        if _is_identity(transform, image.mode):
            return image, None
        converted = PIL.ImageCms.applyTransform(image, transform)
    except (PIL.ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image, Notice("profile_ignored")
    if converted is None:  # only with inPlace
        return image, Notice("profile_ignored")
    return converted, Notice("profile_converted", {"profile": name})


def _is_identity(transform: PIL.ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Return whether a conversion changes sample colours of the whole RGB cube by at most 1; names of profiles are unreliable."""
    if mode not in _PROBES:
        return False
    probe = _PROBES[mode]
    converted = PIL.ImageCms.applyTransform(probe, transform)
    if converted is None:  # only with inPlace
        return False
    difference = np.asarray(converted).astype(np.int16) - np.asarray(probe.convert("RGB"))
    return bool(np.abs(difference).max() <= 1)


def _name(profile: PIL.ImageCms.ImageCmsProfile) -> str:
    name = PIL.ImageCms.getProfileDescription(profile)
    printable = "".join(letter for letter in name if letter.isprintable()).strip()
    return printable[:_MAX_NAME_LENGTH] or "ICC"


def lab_to_srgb(image: PIL.Image.Image) -> PIL.Image.Image:
    """Convert an image of mode LAB (CIE L*a*b*, D50) to sRGB; raises ValueError when LittleCMS cannot."""
    converted = PIL.ImageCms.profileToProfile(image, PIL.ImageCms.createProfile("LAB"), _SRGB, outputMode="RGB")
    if converted is None:  # only with inPlace
        raise ValueError("LittleCMS did not convert the picture.")
    return converted
