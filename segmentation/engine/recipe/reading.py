"""How the file of a picture is read where a person decided: which plane and channels, what is no data, what alpha means."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from segmentation.engine.exceptions import BadRecipe, gettext_noop
from segmentation.engine.recipe.fields import ChoiceField, IntegerField, finite_number, invalid_setting

MAX_CHANNELS = 16
_INDEX = IntegerField(0, 2**31 - 1)


class Alpha(StrEnum):
    """What the alpha band of a file means."""

    DATA = "data"  # a band like the others
    TRANSPARENCY = "transparency"  # pixels where it is 0 have no data


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The plane and the channels that are taken from a file with several; all indices start at 0.

    Raises
    ------
    BadRecipe
        For an index below 0, and for channels that are repeated, none, or more than 16.
    """

    series: int = 0  # of the pictures in the file, without overviews and masks
    z: int = 0
    t: int = 0
    channels: tuple[int, ...] | None = None  # in this order, the bands of the picture; None: all

    def __post_init__(self) -> None:
        for name in ("series", "z", "t"):
            _INDEX.parse(name, getattr(self, name))
        if self.channels is None:
            return
        for channel in self.channels:
            _INDEX.parse("channels", channel)
        if not 0 < len(set(self.channels)) == len(self.channels) <= MAX_CHANNELS:
            raise invalid_setting(
                "channels", gettext_noop("Choose from 1 to %(most)s different channels."), most=MAX_CHANNELS
            )

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Parse a JSON object; a field that is missing has its default.

        Raises
        ------
        BadRecipe
            For an unknown field or an invalid value.
        """
        given = _known(mapping, {"series", "z", "t", "channels"})
        channels = given.pop("channels", None)
        if channels is not None and (isinstance(channels, str) or not isinstance(channels, list | tuple)):
            raise invalid_setting("channels", gettext_noop("Channels must be a list of whole numbers."))
        return cls(
            **{name: _INDEX.parse(name, value) for name, value in given.items()},
            channels=None if channels is None else tuple(_INDEX.parse("channels", value) for value in channels),
        )

    def to_mapping(self) -> dict[str, Any]:
        """Return the selection as a JSON object; `from_mapping` is its inverse."""
        channels = None if self.channels is None else list(self.channels)
        return {"series": self.series, "z": self.z, "t": self.t, "channels": channels}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a person decided about the reading of a file; the defaults leave it to the file.

    Raises
    ------
    BadRecipe
        When the value of no data is not a finite number.
    """

    selection: Selection = Selection()
    no_data: float | None = None  # pixels of which all bands equal it have no data; None: as the file says
    alpha: Alpha | None = None  # None: transparency, unless its values show that it is none

    def __post_init__(self) -> None:
        if self.no_data is not None:
            object.__setattr__(self, "no_data", _parse_no_data(self.no_data))

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Parse a JSON object; a field that is null or missing has its default.

        Raises
        ------
        BadRecipe
            For an unknown field or an invalid value.
        """
        given = _known(mapping, {"selection", "no_data", "alpha"})
        alpha = given.get("alpha")
        return cls(
            selection=Selection.from_mapping(given.get("selection") or {}),
            no_data=given.get("no_data"),
            alpha=None if alpha is None else Alpha(ChoiceField(Alpha).parse("alpha", alpha)),
        )

    def to_mapping(self) -> dict[str, Any]:
        """Return the reading as a JSON object; `from_mapping` is its inverse."""
        return {
            "selection": self.selection.to_mapping(),
            "no_data": self.no_data,
            "alpha": None if self.alpha is None else self.alpha.value,
        }


def _known(mapping: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    if not isinstance(mapping, Mapping):
        raise BadRecipe(template=gettext_noop("What decides the reading of a file must be a JSON object."))
    if unknown := sorted(map(str, set(mapping) - names)):
        raise BadRecipe(template=gettext_noop("“%(field)s” is not a known input."), field=unknown[0][:100])
    return dict(mapping)


def _parse_no_data(value: object) -> float:
    try:
        return finite_number(value)
    except ValueError:
        raise invalid_setting("no_data", gettext_noop("The value of no data must be a number.")) from None
