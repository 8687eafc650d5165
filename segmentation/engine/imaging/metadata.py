"""Metadata that is kept of a file: make, model, software, date of change and resolution. The place (GPS) is never read."""

from collections.abc import Callable
from typing import Any

import PIL.Image

SCHEMA = 1
_MAX_LENGTH = 100  # characters of a text
_TAGS = {0x010F: "make", 0x0110: "model", 0x0131: "software", 0x0132: "changed"}


def printable(value: Any) -> str:
    """Return the printable characters of a text, at most 100; nothing for any other value."""
    text = "".join(letter for letter in value if letter.isprintable()).strip() if isinstance(value, str) else ""
    return text[:_MAX_LENGTH]


def from_image(image: PIL.Image.Image) -> dict[str, Any]:
    """Return the metadata of an image that Pillow has opened, as `from_tags` does."""
    try:
        tags = image.getexif()
    except Exception:  # noqa: BLE001 - EXIF is a format of its own, and a damaged one is no reason to refuse the picture
        return {"schema": SCHEMA}
    return from_tags(tags.get, image.info.get("dpi"))


def from_tags(value_of: Callable[[int], Any], dpi: Any) -> dict[str, Any]:
    """Return `make`, `model`, `software`, `changed` (text) and `dpi` (two numbers), as far as they are present and valid.

    Parameters
    ----------
    value_of : callable
        Returns the value of a TIFF tag by its number, or None.
    dpi : object
        Dots per inch as the file states them; anything but a pair of positive numbers is left out.

    Returns
    -------
    dict
        A JSON object with the number of its `schema`; texts have printable characters only, at most 100.
    """
    found: dict[str, Any] = {"schema": SCHEMA}
    for tag, name in _TAGS.items():
        if text := printable(value_of(tag)):
            found[name] = text
    if isinstance(dpi, tuple) and len(dpi) == 2 and all(0 < float(value) < 1e6 for value in dpi):
        found["dpi"] = [round(float(value), 3) for value in dpi]
    return found
