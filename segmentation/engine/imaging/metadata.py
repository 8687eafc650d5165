"""What a camera or microscope wrote beside the pixels and people may want to see again; never where it was taken."""

from collections.abc import Callable
from typing import Any

import PIL.Image

SCHEMA = 1
_LENGTH = 100
_TAGS = {0x010F: "make", 0x0110: "model", 0x0131: "software", 0x0132: "changed"}


def describe(image: PIL.Image.Image) -> dict[str, Any]:
    """Return make, model, software and date of change as printable text, and the dots per inch, as far as they are there."""
    try:
        tags = image.getexif()
    except Exception:  # noqa: BLE001 - EXIF is a format of its own, and a damaged one is no reason to refuse the picture
        return {"schema": SCHEMA}
    return described(tags.get, image.info.get("dpi"))


def described(value_of: Callable[[int], Any], dpi: Any) -> dict[str, Any]:
    """The same of the values of tags by number, None where there is none, and a pair of dots per inch or whatever is there."""
    found: dict[str, Any] = {"schema": SCHEMA}
    for tag, name in _TAGS.items():
        value = value_of(tag)
        text = "".join(letter for letter in value if letter.isprintable()).strip() if isinstance(value, str) else ""
        if text:
            found[name] = text[:_LENGTH]
    if isinstance(dpi, tuple) and len(dpi) == 2 and all(0 < float(value) < 1e6 for value in dpi):
        found["dpi"] = [round(float(value), 3) for value in dpi]
    return found
