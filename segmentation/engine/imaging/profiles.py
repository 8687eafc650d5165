"""Embedded colour profiles (ICC), converted to sRGB with LittleCMS."""

from io import BytesIO

import numpy as np
import PIL.Image
import PIL.ImageCms

from segmentation.engine.imaging.notices import Notice

_SRGB = PIL.ImageCms.createProfile("sRGB")
_NAME_LENGTH = 60
_STEPS = np.rint(np.linspace(0, 255, 16)).astype(np.uint8)
_PROBES = {
    "L": PIL.Image.fromarray(np.arange(256, dtype=np.uint8)[None]),
    "RGB": PIL.Image.fromarray(np.stack(np.meshgrid(_STEPS, _STEPS, _STEPS), axis=-1).reshape(1, -1, 3)),
}
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
        transform = PIL.ImageCms.buildTransform(source, _SRGB, image.mode, "RGB")
        if _changes_nothing(transform, image.mode):
            return image, None
        converted = PIL.ImageCms.applyTransform(image, transform)
    except (PIL.ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image, Notice("profile_ignored")
    if converted is None:  # only with inPlace
        return image, Notice("profile_ignored")
    return converted, Notice("profile_converted", {"profile": name})


def _changes_nothing(transform: PIL.ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether a profile is sRGB by what it does to colours from all over the cube: names are not to be relied on."""
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
    return printable[:_NAME_LENGTH] or "ICC"


def lab_to_srgb(image: PIL.Image.Image) -> PIL.Image.Image:
    """Convert a picture of mode LAB (CIE L*a*b*, D50)."""
    converted = PIL.ImageCms.profileToProfile(image, PIL.ImageCms.createProfile("LAB"), _SRGB, outputMode="RGB")
    if converted is None:  # only with inPlace
        raise ValueError("LittleCMS has converted nothing.")
    return converted
