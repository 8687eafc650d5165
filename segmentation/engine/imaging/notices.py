"""What was converted, reduced or ignored when a picture was read: a stable code, and a sentence for people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from segmentation.engine.exceptions import gettext_noop

_TEMPLATES = {
    "alpha_over_white": gettext_noop(
        "It has transparent pixels: they were laid over white, and fully transparent ones count nowhere."
    ),
    "bands_ignored": gettext_noop(
        "It has %(bands)s bands: the first three are shown as red, green and blue; clusters are fitted to all."
    ),
    "bits_reduced": gettext_noop("It has more than 8 bits a value; they were reduced to 8, as on a common screen."),
    "cmyk_converted": gettext_noop("It is made for print (CMYK) and was converted to sRGB."),
    "depth_reduced": gettext_noop(
        "It is shown in 8 bits, its values (%(dtype)s) from %(low)s (black) to %(high)s (white); "
        "clusters are fitted to all their bits."
    ),
    "extra_band_ignored": gettext_noop("It has two bands: the first is shown as grey; clusters are fitted to both."),
    "first_frame": gettext_noop("It is one of %(frames)s pictures in the file; only the first was taken."),
    "grey": gettext_noop("It is grey: every pixel has one value."),
    "inverted": gettext_noop("In its file the smallest value is white: its values were inverted."),
    "no_data": gettext_noop("%(pixels)s of its pixels hold no number (NaN or infinity) and count nowhere."),
    "one_bit": gettext_noop("It has 1 bit a pixel: every pixel is either black or white."),
    "orientation_applied": gettext_noop("It was rotated as its camera recorded."),
    "palette_applied": gettext_noop("It has a colour table, which was applied."),
    "profile_converted": gettext_noop("Its colours were converted from its profile (%(profile)s) to sRGB."),
    "profile_ignored": gettext_noop("Its colour profile cannot be read or does not fit, and was ignored."),
    "profile_shown": gettext_noop(
        "It is shown in sRGB, converted from its profile (%(profile)s); clusters are fitted to its values as stored."
    ),
    "space_converted": gettext_noop("Its colours were converted from %(space)s to sRGB."),
    "unknown": gettext_noop("A newer release has noted something about it (%(code)s)."),
}


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that people should know about a picture.

    Raises
    ------
    KeyError
        For a code that there is not.
    """

    code: str
    values: Mapping[str, str | float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _ = self.template

    @property
    def template(self) -> str:
        """The English sentence with ``%(name)s`` places for `values`; whoever shows it may translate it first."""
        return _TEMPLATES[self.code]

    @property
    def sentence(self) -> str:
        """The sentence in English."""
        return self.template % self.values

    def to_mapping(self) -> dict[str, Any]:
        """A JSON object; `from_mapping` is its inverse."""
        return {"code": self.code, "values": dict(self.values)}

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Parse what `to_mapping` has written.

        Of what a newer release has written, the code `unknown` says that there is something.
        """
        code, values = str(mapping["code"]), dict(mapping.get("values", {}))
        try:
            notice = cls(code, values)
            _ = notice.sentence
        except KeyError:
            return cls("unknown", {"code": code})
        return notice
