"""Where on earth a picture lies: its coordinate reference system, and the transform from pixels to coordinates in it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

_LONGEST_NAME = 200
_LARGEST = 1e15  # of a coordinate or a step, in any unit
_SMALLEST = 1e-15  # of the area of a pixel in squares of the unit
_LARGEST_CODE = 2**31 - 1
_COEFFICIENTS = 6  # of a transform


class CrsKind(StrEnum):
    """What the coordinates of a system are."""

    PROJECTED = "projected"  # lengths on a plane
    GEOGRAPHIC = "geographic"  # degrees of longitude and latitude
    USER = "user"  # defined in the file by its parameters: only its unit is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Crs:
    """A coordinate reference system.

    Raises
    ------
    ValueError
        When a value has another type or is out of range.
    """

    epsg: int | None  # None: not in the register
    name: str
    kind: CrsKind
    unit_in_metres: float | None  # of its coordinates; None: degrees, or not known

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", CrsKind(self.kind))
        if self.epsg is not None and not (_is_number(self.epsg, int) and 0 < self.epsg <= _LARGEST_CODE):
            raise ValueError("A code of EPSG is a positive integer.")
        if not _is_name(self.name):
            raise ValueError("A name is a text that is not too long.")
        if self.unit_in_metres is not None:
            if not _is_number(self.unit_in_metres) or not 1e-6 <= self.unit_in_metres <= 1e6:
                raise ValueError("A unit is out of range.")
            object.__setattr__(self, "unit_in_metres", float(self.unit_in_metres))

    @classmethod
    def from_mapping(cls, mapping: Any) -> Self:
        """Parse a JSON object; raises ValueError for anything but what `to_mapping` writes."""
        if not isinstance(mapping, Mapping) or mapping.keys() != {"epsg", "name", "kind", "unit_in_metres"}:
            raise ValueError("A system has a code, a name, a kind and a unit.")
        if not isinstance(mapping["kind"], str):
            raise ValueError("A kind is a text.")  # noqa: TRY004 - callers handle one type of error
        return cls(**mapping)

    def to_mapping(self) -> dict[str, Any]:
        """Return the system as a JSON object; `from_mapping` is its inverse."""
        return {"epsg": self.epsg, "name": self.name, "kind": self.kind.value, "unit_in_metres": self.unit_in_metres}


@dataclass(frozen=True, slots=True, kw_only=True)
class Georeference:
    """The place of a picture in a coordinate reference system.

    Raises
    ------
    ValueError
        When the transform is not one: numbers that are not finite or too large, or pixels without area.
    """

    crs: Crs
    transform: tuple[float, float, float, float, float, float]
    """a, b, c, d, e, f with x = a column + b row + c and y = d column + e row + f, of the corners of pixels."""

    def __post_init__(self) -> None:
        if len(self.transform) != _COEFFICIENTS or not all(
            _is_number(value) and abs(value) <= _LARGEST for value in self.transform
        ):
            raise ValueError("A transform is six numbers.")
        object.__setattr__(self, "transform", tuple(float(value) for value in self.transform))
        if not _SMALLEST <= self.area <= _LARGEST:
            raise ValueError("Pixels have no area.")

    @classmethod
    def from_mapping(cls, mapping: Any) -> Self:
        """Parse a JSON object; raises ValueError for anything but what `to_mapping` writes."""
        if not isinstance(mapping, Mapping) or mapping.keys() != {"crs", "transform"}:
            raise ValueError("A georeference has a system and a transform.")
        if not isinstance(mapping["transform"], list | tuple):
            raise ValueError("A transform is a list.")  # noqa: TRY004 - callers handle one type of error
        return cls(crs=Crs.from_mapping(mapping["crs"]), transform=tuple(mapping["transform"]))

    def to_mapping(self) -> dict[str, Any]:
        """Return the georeference as a JSON object; `from_mapping` is its inverse."""
        return {"crs": self.crs.to_mapping(), "transform": list(self.transform)}

    @property
    def area(self) -> float:
        """The area of a pixel in the plane of the coordinates, in squares of their unit."""
        a, b, _c, d, e, _f = self.transform
        return abs(a * e - b * d)

    @property
    def steps(self) -> tuple[float, float]:
        """Width and height of a pixel, in the unit of the coordinates."""
        a, b, _c, d, e, _f = self.transform
        return math.hypot(a, d), math.hypot(b, e)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_NAME and value.isprintable()


def _is_number(value: object, *types: type) -> bool:
    """Whether a value is a finite number of one of the types."""
    if isinstance(value, bool) or not isinstance(value, types or (int, float)):
        return False
    return isinstance(value, int) or math.isfinite(value)  # type: ignore[arg-type]  # a float by then
