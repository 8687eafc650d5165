"""Format numbers and settings for people: on the pages, in the admin and on the command line.

Separators are those of the active language (Django's localisation); numbers have a minus sign rather than a hyphen, and a
narrow no-break space before their unit. `static/js/model/text.js` formats numbers in the same way with `Intl`. What programs
read (the API, tables, values of fields) is never formatted here, but for `exact_number`.

"""

import math
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from django.utils.formats import get_format, number_format
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

SETTING_TITLES = {
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
"""Titles of the fields of a recipe, as shown beside their values."""

_VALUE_TITLES = {
    "n_clusters": {"auto": _("chosen automatically")},
    "preset": {"colours": _("Colours"), "areas": _("Areas"), "regions": _("Regions")},
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
        "mixed": _("pixels on borders are shared (mixed)"),
    },
}

_SHORT_VALUES = {
    "features=lab": _("CIE Lab"),
    "features=gray": _("grey"),
    "features=od": _("optical density"),
    "texture=1": _("fine texture"),
    "texture=2": _("fine and coarse texture"),
    "position=True": _("position"),
    "covariance=tied": _("one shape for all"),
    "covariance=diag": _("ellipses along the axes"),
    "covariance=spherical": _("circles"),
    "covariance=mixed": _("borders shared"),
    "exact=True": _("all pixels"),
}
_SHORT_TEMPLATES = {
    "smoothness": _("smoothness %(value)s"),
    "smallest_region": _("regions from %(value)s"),
    "seed": _("seed %(value)s"),
    "restarts": _("%(value)s starts"),
    "tolerance": _("tolerance %(value)s"),
    "max_iterations": _("at most %(value)s iterations"),
}

_SQUARE_METRES = {"nm2": 1e-18, "um2": 1e-12, "mm2": 1e-6, "m2": 1.0, "km2": 1e6}
_AREAS = (("m²", 1.0, 1.0), ("mm²", 1e-6, 1e-6), ("µm²", 1e-12, 1e-12), ("nm²", 1e-18, 0.0))
_AREAS_ON_GROUND = (("km²", 1e6, 1e8), ("ha", 1e4, 1e4), ("m²", 1.0, 0.0))
"""Signs of units, each in square metres, and the smallest area in square metres that is written in it."""

_MAX_DECIMALS = 20
_SMALLEST_PLAIN, _LARGEST_PLAIN = 1e-4, 1e9  # of numbers without an exponent
_MAX_CHARACTERS = 24  # of a number written without an exponent; the fields of a form take more
_DAYS_PER_YEAR = 365.25
_MINUS, _NARROW_SPACE = "\N{MINUS SIGN}", "\N{NARROW NO-BREAK SPACE}"


def number(value: float, decimals: int) -> str:
    """Return a number with a fixed count of decimals and a minus sign; halves are rounded away from zero.

    >>> number(-12.8788, 2), number(1234.5, 1)
    ('−12.88', '1,234.5')
    """
    return _localised(_rounded(value, decimals))


def thousands(count: int) -> str:
    """Return an integer with its digits in groups of three.

    >>> thousands(96615)
    '96,615'
    """
    return _localised(Decimal(count))


def percent(share: float) -> str:
    """Return a fraction between 0 and 1 as a percentage with one decimal.

    >>> percent(0.4121) == "41.2\N{NARROW NO-BREAK SPACE}%"
    True
    """
    return f"{number(share * 100, 1)}{_NARROW_SPACE}%"


def whole_percent(percentage: int) -> str:
    """Return how much of something is done, 0 to 100.

    >>> whole_percent(41) == "41\N{NARROW NO-BREAK SPACE}%"
    True
    """
    return f"{thousands(percentage)}{_NARROW_SPACE}%"


def percent_range(low: float, high: float) -> str:
    """Return a range of two fractions between 0 and 1 as percentages with one decimal.

    >>> percent_range(0.0952, 0.1048) == "9.5 to 10.5\N{NARROW NO-BREAK SPACE}%"
    True
    """
    return gettext("%(low)s to %(high)s") % {"low": number(low * 100, 1), "high": percent(high)}


def enumeration(parts: Sequence[str]) -> str:
    """Return parts as people enumerate them.

    >>> enumeration(["2"]), enumeration(["2", "3"]), enumeration(["1", "2", "3"])
    ('2', '2 and 3', '1, 2 and 3')
    """
    if len(parts) < 2:
        return "".join(parts)
    return gettext("%(first)s and %(last)s") % {"first": ", ".join(parts[:-1]), "last": parts[-1]}


def four_digits(value: float) -> str:
    """Return a number that is not negative with four digits, without zeros behind it, or all digits before the point.

    >>> four_digits(0.0123456), four_digits(12.3456), four_digits(123456.7), four_digits(400.0)
    ('0.01235', '12.35', '123,457', '400')
    """
    decimals = min(max(3 - math.floor(math.log10(value)), 0), _MAX_DECIMALS) if value else 0
    return _localised(Decimal(format(_rounded(value, decimals).normalize(), "f")))


def significant(value: float) -> str:
    """Return any number with four significant digits, or all digits before the point.

    >>> significant(-0.0123456), significant(30123.4), significant(2.5e-9)
    ('−0.01235', '30,123', '2.5e−09')
    """
    if value and not _SMALLEST_PLAIN <= abs(value) < _LARGEST_PLAIN:
        return f"{value:.4g}".replace("-", _MINUS).replace(".", _decimal_separator())
    return f"{_MINUS if value < 0 else ''}{four_digits(abs(value))}"


def unit_of_length(unit: str) -> str:
    """Return the sign of a stored unit of length.

    >>> unit_of_length("um")
    'µm'
    """
    return unit.replace("u", "µ")


def pixel_size(width: float, height: float, unit: str, *, digits: int = 5) -> str:
    """Return the size of a pixel as text, with so many significant digits.

    >>> pixel_size(0.25, 0.25, "um") == "0.25\N{NARROW NO-BREAK SPACE}µm", pixel_size(10, 20.5, "m") == "10 × 20.5\N{NARROW NO-BREAK SPACE}m"
    (True, True)
    >>> pixel_size(0.352778, 0.352778, "mm", digits=4) == "352.8\N{NARROW NO-BREAK SPACE}µm"
    True
    """
    if unit == "mm" and max(width, height) < 1:
        width, height, unit = 1000 * width, 1000 * height, "um"
    sides = [localised_number(float(f"{side:.{digits}g}")) for side in (width, height)]
    return f"{' × '.join(dict.fromkeys(sides))}{_NARROW_SPACE}{unit_of_length(unit)}"


def area_unit(largest: float, unit: str, *, on_ground: bool) -> tuple[str, float]:
    """Return the sign of the unit that suits areas up to `largest`, and how many of the stored unit it has.

    >>> area_unit(2.5e6, "um2", on_ground=False), area_unit(4e6, "m2", on_ground=True)
    (('mm²', 1000000.0), ('ha', 10000.0))
    """
    if unit not in _SQUARE_METRES:
        return unit, 1.0
    stored = _SQUARE_METRES[unit]
    steps = _AREAS_ON_GROUND if on_ground else _AREAS
    sign, size = next(((sign, size) for sign, size, least in steps if largest * stored >= least), steps[-1][:2])
    return sign, float(f"{size / stored:.12g}")


def millions(count: int) -> str:
    """Return a count in millions, with one decimal unless that is 0.

    >>> millions(50_000_000), millions(61_440_000)
    ('50', '61.4')
    """
    return _short(count / 1e6)


def filesize(size: int) -> str:
    """Return a number of bytes in kB, MB or GB, where 1 kB is 1000 bytes.

    >>> filesize(196_653) == "197\N{NARROW NO-BREAK SPACE}kB", filesize(50_000_000) == "50\N{NARROW NO-BREAK SPACE}MB"
    (True, True)
    """
    if size < 1e6:
        return f"{number(math.ceil(size / 1e3) if size < 1e3 else size / 1e3, 0)}{_NARROW_SPACE}kB"
    return f"{_short(size / 1e6)}{_NARROW_SPACE}MB" if size < 1e9 else f"{_short(size / 1e9)}{_NARROW_SPACE}GB"


def cluster_count(count: int | None, *, regions: bool) -> str:
    """Return a number of clusters or regions with its noun; None stands for a number that the engine chooses.

    >>> cluster_count(5, regions=False), cluster_count(1, regions=True), cluster_count(None, regions=True)
    ('5 clusters', '1 region', 'Regions')
    """
    if count is None:
        return gettext("Regions") if regions else gettext("Number chosen automatically")
    template = (
        ngettext("%(n)s region", "%(n)s regions", count)
        if regions
        else ngettext("%(n)s cluster", "%(n)s clusters", count)
    )
    return template % {"n": count}


def exact_number(value: float) -> str:
    """Return all digits of a number, in no language, without an exponent unless the number is longer than 24 characters.

    >>> exact_number(1e-5), exact_number(0.5), exact_number(0.0), exact_number(1e-40)
    ('0.00001', '0.5', '0', '1e-40')
    """
    written = format(Decimal(repr(value)).normalize(), "f")
    return written if len(written) <= _MAX_CHARACTERS else repr(value)


def localised_number(value: float) -> str:
    """Return all digits of a number as `exact_number`, with the separators of the active language.

    >>> localised_number(0.00001), localised_number(1000.5)
    ('0.00001', '1,000.5')
    """
    text = exact_number(value)
    return text.replace(".", _decimal_separator()) if "e" in text else _localised(Decimal(text))


def share_of_picture(share: float) -> str:
    """Return a fraction of a picture as a percentage with all its digits.

    >>> share_of_picture(0.0001) == "0.01\N{NARROW NO-BREAK SPACE}% of the picture"
    True
    """
    percentage = (Decimal(repr(share)) * 100).normalize()
    if len(format(percentage, "f")) > _MAX_CHARACTERS:
        percentage = Decimal(f"{share * 100:g}")
    return gettext("%(percentage)s of the picture") % {
        "percentage": f"{localised_number(float(percentage))}{_NARROW_SPACE}%"
    }


def setting_value(name: str, value: object) -> str:
    """Return the value of a field of a recipe as text for people; a value without a title is returned as it is.

    >>> setting_value("covariance", "diag"), setting_value("exact", False), setting_value("n_clusters", "auto"), setting_value("tolerance", 1e-5)
    ('aligned with the axes (diagonal)', 'a sample', 'chosen automatically', '0.00001 nats per pixel')
    """
    if isinstance(value, bool | int | str):
        return str(_VALUE_TITLES.get(name, {}).get(str(value), _value_text(name, value)))
    if name == "smallest_region" and isinstance(value, float):
        return share_of_picture(value) if value else gettext("all regions are kept")
    text = _value_text(name, value)
    return gettext("%(value)s nats per pixel") % {"value": text} if name == "tolerance" else text


def log_likelihood(value: float, *, pixels: int | None, of_all: bool) -> str:
    """Return a mean log-likelihood with the number of pixels it was averaged over.

    `pixels` is None for results of older releases, which did not store that number.

    >>> log_likelihood(-12.87881, pixels=500, of_all=False), log_likelihood(-12.87881, pixels=None, of_all=False)
    ('−12.8788 nats per pixel, mean of a sample of 500 pixels', '−12.8788 nats per pixel')
    """
    if pixels is None:
        return gettext("%(value)s nats per pixel") % {"value": number(value, 4)}
    template = (
        gettext("%(value)s nats per pixel, mean of all %(pixels)s pixels")
        if of_all
        else gettext("%(value)s nats per pixel, mean of a sample of %(pixels)s pixels")
    )
    return template % {"value": number(value, 4), "pixels": thousands(pixels)}


def short_setting(name: str, value: object) -> str:
    """Return a setting that differs from its default in a few words, without the title of its field.

    >>> short_setting("features", "lab"), short_setting("position", True), short_setting("seed", 7)
    ('CIE Lab', 'position', 'seed 7')
    """
    short = _SHORT_VALUES.get(f"{name}={value}")
    if short is not None:
        return str(short)
    if name == "smallest_region" and isinstance(value, float):
        text = share_of_picture(value)
    else:
        text = _value_text(name, value)
    return str(_SHORT_TEMPLATES.get(name, "%(value)s")) % {"value": text}


def duration(value: float) -> str:
    """Return a duration with hundredths of a second below 10 s, tenths below 60 s, and in minutes and seconds above.

    >>> duration(2.237) == "2.24\N{NARROW NO-BREAK SPACE}s"
    True
    """
    if value >= 60:
        whole = round(value)
        return f"{whole // 60}{_NARROW_SPACE}min {whole % 60:02d}{_NARROW_SPACE}s"
    return f"{number(value, 2 if value < 10 else 1)}{_NARROW_SPACE}s"


def short_duration(value: float) -> str:
    """Return a duration with few digits: tenths of a second below 10 s, then whole seconds, then the two largest units.

    >>> short_duration(0.24) == "0.2\N{NARROW NO-BREAK SPACE}s", short_duration(9.97) == "10\N{NARROW NO-BREAK SPACE}s"
    (True, True)
    """
    if round(value, 1) < 10:
        return f"{number(max(value, 0.0), 1)}{_NARROW_SPACE}s"
    whole = round(value)
    if whole < 60:
        return f"{whole}{_NARROW_SPACE}s"
    if whole < 3600:
        return f"{whole // 60}{_NARROW_SPACE}min {whole % 60:02d}{_NARROW_SPACE}s"
    if whole < 86_400:
        return f"{whole // 3600}{_NARROW_SPACE}h {whole % 3600 // 60:02d}{_NARROW_SPACE}min"
    return f"{number(value / 86_400, 1)}{_NARROW_SPACE}d"


def time_left(value: float) -> str:
    """Return a sentence with the approximate time left, in seconds, minutes or hours; `static/js/run.js` does the same.

    >>> time_left(0.2), time_left(89.4), time_left(240), time_left(25_000)
    ('About 1 s left.', 'About 89 s left.', 'About 4 min left.', 'About 7 h left.')
    """
    if value < 90:
        return gettext("About %(n)s s left.") % {"n": max(1, round(value))}
    if value < 90 * 60:
        return gettext("About %(n)s min left.") % {"n": round(value / 60)}
    return gettext("About %(n)s h left.") % {"n": round(value / 3600)}


def approximate_days(days: float) -> str:
    """Return an estimated number of days in words: in days, weeks or years.

    >>> approximate_days(0.4), approximate_days(9.2), approximate_days(36), approximate_days(1000), approximate_days(10_000)
    ('less than a day', 'about 9 days', 'about 5 weeks', 'about 3 years', 'more than 10 years')
    """
    if days < 1:
        return gettext("less than a day")
    if days < 14:
        return ngettext("about %(n)s day", "about %(n)s days", round(days)) % {"n": round(days)}
    if days < 2 * _DAYS_PER_YEAR:
        return gettext("about %(n)s weeks") % {"n": round(days / 7)}
    if days < 10.5 * _DAYS_PER_YEAR:
        return gettext("about %(n)s years") % {"n": round(days / _DAYS_PER_YEAR)}
    return gettext("more than 10 years")


def _short(value: float) -> str:
    """Return a number with one decimal, or none where that is zero."""
    rounded = _rounded(value, 1)
    return _localised(rounded if rounded % 1 else _rounded(value, 0))


def _value_text(name: str, value: object) -> str:
    """Return the value of a field of a recipe; a seed is a name rather than an amount, and is not grouped."""
    if isinstance(value, float):
        return localised_number(value)
    return thousands(value) if isinstance(value, int) and not isinstance(value, bool) and name != "seed" else str(value)


def _rounded(value: float, decimals: int) -> Decimal:
    """Return a number rounded as `Intl` does it: halves of its exact binary value away from zero."""
    return Decimal(value).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def _localised(value: Decimal) -> str:
    return str(number_format(value, force_grouping=True)).replace("-", _MINUS)


def _decimal_separator() -> str:
    return str(get_format("DECIMAL_SEPARATOR"))
