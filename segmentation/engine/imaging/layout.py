"""The layout of a file with several pictures, planes or channels, and the pixels of the selected one that have no data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from segmentation.engine.recipe import Selection

MAX_NAME = 100  # characters of the name of a channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a file contains, and what of it is the picture that was decoded."""

    selection: Selection  # as decoded
    axes: (
        str  # of the selected picture in the file: T time, Z depth, C channels, Y rows, X columns, S samples of a pixel
    )
    shape: tuple[int, ...]  # one number an axis, as stored
    pictures: int = 1  # without overviews and masks
    channel_names: tuple[str, ...] = ()  # of the decoded bands; empty when the file does not name them
    overviews: int = 0  # smaller copies of the selected picture

    @property
    def planes(self) -> int:
        """Number of planes in the file: every picture at every depth and time."""
        return self.pictures * self.length("Z") * self.length("T")

    @property
    def channels(self) -> int:
        """Number of channels of a plane in the file, with alpha."""
        return self.length("C") * self.length("S")

    def length(self, axis: str) -> int:
        """Return the length of an axis of the selected picture in the file; 1 for an axis that it does not have."""
        return dict(zip(self.axes, self.shape, strict=True)).get(axis, 1)

    def to_mapping(self) -> dict[str, Any]:
        """Return the layout as a JSON object."""
        return {
            "selection": self.selection.to_mapping(),
            "axes": self.axes,
            "shape": list(self.shape),
            "pictures": self.pictures,
            "channel_names": list(self.channel_names),
            "overviews": self.overviews,
        }

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Parse what `to_mapping` has written."""
        return cls(
            selection=Selection.from_mapping(mapping["selection"]),
            axes=mapping["axes"],
            shape=tuple(mapping["shape"]),
            pictures=mapping["pictures"],
            channel_names=tuple(mapping["channel_names"]),
            overviews=mapping["overviews"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NoData:
    """The pixels of a picture that have no data, and why."""

    source: str  # person, gdal_nodata, internal_mask, alpha or nan; the first of them that applies
    value: float | None  # that stands for no data, of the first two sources
    pixels: int  # number of pixels without data, of all sources together

    def to_mapping(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {"source": self.source, "value": self.value, "pixels": self.pixels}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Parse what `to_mapping` has written."""
        return cls(source=mapping["source"], value=mapping["value"], pixels=mapping["pixels"])


def printable(name: object) -> str:
    """Return the name of a channel as text of printable characters, at most 100."""
    return "".join(letter for letter in str(name) if letter.isprintable()).strip()[:MAX_NAME]
