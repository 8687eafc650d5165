"""The size of a pixel in the plane that a picture shows, and where that is known from."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

METRES = {"nm": 1e-9, "um": 1e-6, "mm": 1e-3, "m": 1.0, "km": 1e3}
"""The units in which sizes are stored, each in metres."""

_SMALLEST, _LARGEST = 1e-9, 1e12  # of a width or height in its unit: what no instrument and no map exceeds
_DIGITS = 12  # significant ones that are kept of a size that was computed
_LONGEST_TEXT = 60  # of a size with its unit

_SPELLINGS = {
    "pm": 1e-12, "picometer": 1e-12, "a": 1e-10, "å": 1e-10, "angstrom": 1e-10,
    "nm": 1e-9, "nanometer": 1e-9,
    "um": 1e-6, "µm": 1e-6, "micron": 1e-6, "micrometer": 1e-6, "mcm": 1e-6,
    "mm": 1e-3, "millimeter": 1e-3, "cm": 1e-2, "centimeter": 1e-2, "dm": 0.1, "decimeter": 0.1,
    "m": 1.0, "meter": 1.0, "km": 1e3, "kilometer": 1e3,
    "in": 0.0254, "inch": 0.0254, "inche": 0.0254, "\"": 0.0254, "thou": 2.54e-5, "ft": 0.3048, "yd": 0.9144,
}  # fmt: skip
"""Lengths in metres by the spellings of their units, in lower case and without the plural's s."""

_STORED_AS = {1e-12: "nm", 1e-10: "nm", 1e-2: "mm", 0.1: "mm", 0.0254: "mm", 2.54e-5: "mm", 0.3048: "m", 0.9144: "m"}


class SizeSource(StrEnum):
    """Where a size is known from: a kind of metadata, or a person."""

    OME = "ome"
    IMAGEJ = "imagej"
    FEI = "fei"
    ZEISS = "zeiss"
    SIS = "sis"
    TVIPS = "tvips"
    DIGITAL_MICROGRAPH = "digitalmicrograph"
    JEOL = "jeol"
    SVS = "svs"
    NDPI = "ndpi"
    DICOM = "dicom"
    GEOTIFF = "geotiff"
    RESOLUTION = "resolution"  # dots per inch or per metre: only ever suggested
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelSize:
    """Width and height of one pixel.

    Raises
    ------
    ValueError
        When a number is not finite, not positive or beyond all reason, or the unit or source is not known.
    """

    width: float
    height: float
    unit: str  # a key of METRES
    source: SizeSource

    def __post_init__(self) -> None:
        if self.unit not in METRES:
            raise ValueError("The unit is not known.")
        object.__setattr__(self, "source", SizeSource(self.source))
        for name in ("width", "height"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not _SMALLEST <= value <= _LARGEST:
                raise ValueError("A size is out of range.")
            object.__setattr__(self, name, float(value))

    @classmethod
    def from_mapping(cls, mapping: Any) -> Self:
        """Parse a JSON object; raises ValueError for anything but what `to_mapping` writes."""
        if not isinstance(mapping, Mapping) or mapping.keys() != {"width", "height", "unit", "source"}:
            raise ValueError("A pixel size has a width, a height, a unit and a source.")
        if not isinstance(mapping["unit"], str) or not isinstance(mapping["source"], str):
            raise ValueError("Unit and source are texts.")  # noqa: TRY004 - callers handle one type of error
        return cls(**mapping)

    def to_mapping(self) -> dict[str, Any]:
        """Return the size as a JSON object; `from_mapping` is its inverse."""
        return {"width": self.width, "height": self.height, "unit": self.unit, "source": self.source.value}

    def transposed(self) -> Self:
        """Return the size with width and height exchanged, as for a picture that was turned by a quarter."""
        return type(self)(width=self.height, height=self.width, unit=self.unit, source=self.source)

    @property
    def area(self) -> float:
        """The area of a pixel in squares of the unit."""
        return self.width * self.height


def metres_of(unit: str) -> float | None:
    """Return the length in metres of a unit as programs write it, for example `micron`; None for pixels and unknown ones."""
    text = unit.strip()[:_LONGEST_TEXT]
    text = re.sub(r"\\+u00[bB]5", "µ", text).replace("\N{GREEK SMALL LETTER MU}", "µ").replace("Â", "").lower()
    text = text.rstrip(".").replace("metre", "meter")
    return _SPELLINGS.get(text, _SPELLINGS.get(text.removesuffix("s")))


def size_with_unit(
    width: Any, height: Any, unit: str, source: SizeSource, *, height_unit: str = ""
) -> PixelSize | None:
    """Return a size as metadata give it, in the unit that is stored for the one given; None if it makes no sense."""
    metres, metres_down = metres_of(unit), metres_of(height_unit or unit)
    if metres is None or metres_down is None:
        return None
    return _checked(width, height, source, scales=(metres, metres_down), stored=_stored_unit(metres))


def size_in_metres(width: Any, height: Any, source: SizeSource) -> PixelSize | None:
    """Return a size in metres, in the unit that is usual for such a length; None if it makes no sense."""
    try:
        length = float(width)
    except (TypeError, ValueError, OverflowError):
        return None
    limits = {"nm": 1e-7, "um": 1e-4, "mm": 0.1, "m": 1e4}
    stored = next((unit for unit, limit in limits.items() if length < limit), "km")
    return _checked(width, height, source, scales=(1.0, 1.0), stored=stored)


def size_of_resolution(across: Any, down: Any, metres: float, source: SizeSource) -> PixelSize | None:
    """Return the size of pixels of which so many fit into a length in metres; None if it makes no sense."""
    try:
        return size_in_metres(metres / float(across), metres / float(down), source)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        return None


def size_of_text(text: str) -> PixelSize | None:
    """Return the size that a person writes as `0.25 um` or `0.25 x 0.3 um`; None if it cannot be read."""
    number = r"(\d+(?:[.,]\d+)?(?:[eE][+-]?\d{1,3})?)"
    match = re.fullmatch(rf"\s*{number}(?:\s*[x×]\s*{number})?\s*([^\d\s]+)\s*", text[:_LONGEST_TEXT])
    if match is None:
        return None
    width, height = (part.replace(",", ".") for part in (match[1], match[2] or match[1]))
    return size_with_unit(width, height, match[3], SizeSource.PERSON)


def _stored_unit(metres: float) -> str:
    return _STORED_AS.get(metres) or next(unit for unit, value in METRES.items() if value == metres)


def _checked(
    width: Any, height: Any, source: SizeSource, *, scales: tuple[float, float], stored: str
) -> PixelSize | None:
    try:
        lengths = [
            float(length) * scale / METRES[stored] for length, scale in zip((width, height), scales, strict=True)
        ]
        if not all(map(math.isfinite, lengths)):
            return None
        across, down = (float(f"{length:.{_DIGITS}g}") for length in lengths)
        return PixelSize(width=across, height=down, unit=stored, source=source)
    except (TypeError, ValueError, OverflowError):
        return None
