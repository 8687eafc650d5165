"""Numbers as people read them on the pages, in the admin and on the command line, written as the active language has them.

Separators come from Django's localisation; a minus is a true one, and a unit follows after a narrow no-break space.
`static/js/model/text.js` writes the same with `Intl`. What programs read (the API, tables, values of fields) is never
written with these functions.
"""

import math
from decimal import ROUND_HALF_UP, Decimal

from django.utils.formats import get_format, number_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

SETTINGS = {
    "preset": _("Preset"),
    "n_clusters": _("Clusters"),
    "features": _("Colour space"),
    "texture": _("Texture"),
    "position": _("Position"),
    "covariance": _("Shape of clusters"),
    "smoothness": _("Smoothness"),
    "smallest_region": _("Smallest region"),
    "seed": _("Seed"),
    "restarts": _("Starts"),
    "tolerance": _("Tolerance"),
    "max_iterations": _("Iteration limit"),
    "exact": _("Pixels fitted"),
}
"""What the fields of a recipe are called beside their values."""

_CHOICES = {
    "n_clusters": {"auto": _("chosen automatically")},
    "preset": {"colours": _("Colours"), "regions": _("Regions")},
    "features": {
        "rgb": _("as in the picture (RGB)"),
        "lab": _("perceptual (CIE Lab)"),
        "gray": _("lightness only (grey)"),
        "od": _("amount of stain (optical density)"),
    },
    "texture": {"0": _("not used"), "1": _("fine"), "2": _("fine and coarse")},
    "position": {"True": _("used as a feature"), "False": _("not used")},
    "exact": {"True": _("all"), "False": _("a sample")},
    "covariance": {
        "full": _("any ellipse (full)"),
        "tied": _("one shape for all (tied)"),
        "diag": _("aligned with the axes (diagonal)"),
        "spherical": _("circles (spherical)"),
    },
}

_IN_SHORT = {
    "features=lab": _("CIE Lab"),
    "features=gray": _("grey"),
    "features=od": _("optical density"),
    "texture=1": _("fine texture"),
    "texture=2": _("fine and coarse texture"),
    "position=True": _("position"),
    "covariance=tied": _("one shape for all"),
    "covariance=diag": _("ellipses along the axes"),
    "covariance=spherical": _("circles"),
    "exact=True": _("all pixels"),
}
_SHORT_NAMES = {
    "smoothness": _("smoothness %(value)s"),
    "smallest_region": _("regions from %(value)s"),
    "seed": _("seed %(value)s"),
    "restarts": _("%(value)s starts"),
    "tolerance": _("tolerance %(value)s"),
    "max_iterations": _("at most %(value)s iterations"),
}

_MOST_DIGITS = 24  # with zeros and point; a form's fields take more
_DAYS_OF_YEAR = 365.25
_MINUS, _NARROW = "\N{MINUS SIGN}", "\N{NARROW NO-BREAK SPACE}"


def number(value: float, decimals: int) -> str:
    """Return a number with so many decimals; halves are rounded away from zero.

    >>> number(-12.8788, 2), number(1234.5, 1)
    ('−12.88', '1,234.5')
    """
    return _in_language(_rounded(value, decimals))


def thousands(count: int) -> str:
    """Return a whole number in groups of three.

    >>> thousands(96615)
    '96,615'
    """
    return _in_language(Decimal(count))


def percent(share: float) -> str:
    """Return a share between 0 and 1 with one decimal.

    >>> percent(0.4121) == "41.2\N{NARROW NO-BREAK SPACE}%"
    True
    """
    return f"{number(share * 100, 1)}{_NARROW}%"


def whole_percent(percentage: int) -> str:
    """Return how much of something is done, 0 to 100.

    >>> whole_percent(41) == "41\N{NARROW NO-BREAK SPACE}%"
    True
    """
    return f"{thousands(percentage)}{_NARROW}%"


def millions(count: int) -> str:
    """Return a count in millions, with a decimal only where it says something.

    >>> millions(50_000_000), millions(61_440_000)
    ('50', '61.4')
    """
    return _short(count / 1e6)


def filesize(size: int) -> str:
    """Return a number of bytes in units of a thousand, as the limits are given.

    >>> filesize(196_653) == "197\N{NARROW NO-BREAK SPACE}kB", filesize(50_000_000) == "50\N{NARROW NO-BREAK SPACE}MB"
    (True, True)
    """
    if size < 1e6:
        return f"{number(math.ceil(size / 1e3) if size < 1e3 else size / 1e3, 0)}{_NARROW}kB"
    return f"{_short(size / 1e6)}{_NARROW}MB" if size < 1e9 else f"{_short(size / 1e9)}{_NARROW}GB"


def how_many(count: int | None, *, regions: bool) -> str:
    """Return a number of clusters or regions in words; None while it is for the engine to find.

    >>> how_many(5, regions=False), how_many(1, regions=True), how_many(None, regions=True)
    ('5 clusters', '1 region', 'Regions')
    """
    if count is None:
        return gettext("Regions") if regions else gettext("Number chosen automatically")
    words = (
        ngettext("%(n)s region", "%(n)s regions", count)
        if regions
        else ngettext("%(n)s cluster", "%(n)s clusters", count)
    )
    return words % {"n": count}


def plain(value: float) -> str:
    """Return a setting as a field of a form holds it: exact, and without an exponent unless it needs very many digits.

    >>> plain(1e-5), plain(0.5), plain(0.0), plain(1e-40)
    ('0.00001', '0.5', '0', '1e-40')
    """
    written = format(Decimal(repr(value)).normalize(), "f")
    return written if len(written) <= _MOST_DIGITS else repr(value)


def exact(value: float) -> str:
    """Return a number with all its digits, as `plain` has them.

    >>> exact(0.00001), exact(1000.5)
    ('0.00001', '1,000.5')
    """
    written = plain(value)
    return written.replace(".", _decimal_separator()) if "e" in written else _in_language(Decimal(written))


def share_of_picture(share: float) -> str:
    """Return a share of a picture as a percentage with all its digits.

    >>> share_of_picture(0.0001) == "0.01\N{NARROW NO-BREAK SPACE}% of the picture"
    True
    """
    percentage = (Decimal(repr(share)) * 100).normalize()
    if len(format(percentage, "f")) > _MOST_DIGITS:
        percentage = Decimal(f"{share * 100:g}")
    return gettext("%(percentage)s of the picture") % {"percentage": f"{exact(float(percentage))}{_NARROW}%"}


def setting(name: str, value: object) -> str:
    """Return the value of a field of a recipe in words; one that this release does not know, as it is.

    >>> setting("covariance", "diag"), setting("exact", False), setting("n_clusters", "auto"), setting("tolerance", 1e-5)
    ('aligned with the axes (diagonal)', 'a sample', 'chosen automatically', '0.00001 nats per pixel')
    """
    if isinstance(value, bool | int | str):
        return str(_CHOICES.get(name, {}).get(str(value), _written(name, value)))
    if name == "smallest_region" and isinstance(value, float):
        return share_of_picture(value) if value else gettext("all regions are kept")
    written = _written(name, value)
    return gettext("%(value)s nats per pixel") % {"value": written} if name == "tolerance" else written


def log_likelihood(value: float, *, pixels: int | None, of_all: bool) -> str:
    """Return a mean log-likelihood with the pixels that it is of; None where an older release has not kept their number.

    >>> log_likelihood(-12.87881, pixels=500, of_all=False), log_likelihood(-12.87881, pixels=None, of_all=False)
    ('−12.8788 nats per pixel, mean of a sample of 500 pixels', '−12.8788 nats per pixel')
    """
    if pixels is None:
        return gettext("%(value)s nats per pixel") % {"value": number(value, 4)}
    said = (
        gettext("%(value)s nats per pixel, mean of all %(pixels)s pixels")
        if of_all
        else gettext("%(value)s nats per pixel, mean of a sample of %(pixels)s pixels")
    )
    return said % {"value": number(value, 4), "pixels": thousands(pixels)}


def setting_in_short(name: str, value: object) -> str:
    """Return a setting that is not the default as few words that stand by themselves.

    >>> setting_in_short("features", "lab"), setting_in_short("position", True), setting_in_short("seed", 7)
    ('CIE Lab', 'position', 'seed 7')
    """
    said = _IN_SHORT.get(f"{name}={value}")
    if said is not None:
        return str(said)
    if name == "smallest_region" and isinstance(value, float):
        written = share_of_picture(value)
    else:
        written = _written(name, value)
    return str(_SHORT_NAMES.get(name, "%(value)s")) % {"value": written}


def seconds(value: float) -> str:
    """Return a duration: hundredths below ten seconds, tenths below a minute, minutes above.

    >>> seconds(2.237) == "2.24\N{NARROW NO-BREAK SPACE}s"
    True
    """
    if value >= 60:
        whole = round(value)
        return f"{whole // 60}{_NARROW}min {whole % 60:02d}{_NARROW}s"
    return f"{number(value, 2 if value < 10 else 1)}{_NARROW}s"


def lasting(value: float) -> str:
    """Return how long something lasts in as few figures as say it: tenths below ten seconds, then the two largest units.

    >>> lasting(0.24) == "0.2\N{NARROW NO-BREAK SPACE}s", lasting(9.97) == "10\N{NARROW NO-BREAK SPACE}s"
    (True, True)
    """
    if round(value, 1) < 10:
        return f"{number(max(value, 0.0), 1)}{_NARROW}s"
    whole = round(value)
    if whole < 60:
        return f"{whole}{_NARROW}s"
    if whole < 3600:
        return f"{whole // 60}{_NARROW}min {whole % 60:02d}{_NARROW}s"
    if whole < 86_400:
        return f"{whole // 3600}{_NARROW}h {whole % 3600 // 60:02d}{_NARROW}min"
    return f"{number(value / 86_400, 1)}{_NARROW}d"


def time_left(value: float) -> str:
    """Return how many seconds are left, roughly, in the unit that fits; `static/js/run.js` does the same.

    >>> time_left(0.2), time_left(89.4), time_left(240), time_left(25_000)
    ('About 1 s left.', 'About 89 s left.', 'About 4 min left.', 'About 7 h left.')
    """
    if value < 90:
        return gettext("About %(n)s s left.") % {"n": max(1, round(value))}
    if value < 90 * 60:
        return gettext("About %(n)s min left.") % {"n": round(value / 60)}
    return gettext("About %(n)s h left.") % {"n": round(value / 3600)}


def about(days: float) -> str:
    """Return how long something will last, roughly: nobody knows it better.

    >>> about(0.4), about(9.2), about(36), about(1000), about(10_000)
    ('less than a day', 'about 9 days', 'about 5 weeks', 'about 3 years', 'more than 10 years')
    """
    if days < 1:
        return gettext("less than a day")
    if days < 14:
        return ngettext("about %(n)s day", "about %(n)s days", round(days)) % {"n": round(days)}
    if days < 2 * _DAYS_OF_YEAR:
        return gettext("about %(n)s weeks") % {"n": round(days / 7)}
    if days < 10.5 * _DAYS_OF_YEAR:
        return gettext("about %(n)s years") % {"n": round(days / _DAYS_OF_YEAR)}
    return gettext("more than 10 years")


def _short(value: float) -> str:
    """Return a number with one decimal, or none where that is zero."""
    rounded = _rounded(value, 1)
    return _in_language(rounded if rounded % 1 else _rounded(value, 0))


def _written(name: str, value: object) -> str:
    """Return the value of a field of a recipe; a seed is a name rather than an amount, and is not grouped."""
    if isinstance(value, float):
        return exact(value)
    return thousands(value) if isinstance(value, int) and not isinstance(value, bool) and name != "seed" else str(value)


def _rounded(value: float, decimals: int) -> Decimal:
    """Return a number rounded as `Intl` does it: halves of its exact binary value away from zero."""
    return Decimal(value).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def _in_language(value: Decimal) -> str:
    return str(number_format(value, force_grouping=True)).replace("-", _MINUS)


def _decimal_separator() -> str:
    return str(get_format("DECIMAL_SEPARATOR"))
