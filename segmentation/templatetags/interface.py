"""Template tags and filters for icons, share bars, times and numbers."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Protocol

from django import template
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from segmentation import formatting, upkeep
from segmentation.engine.gmm import CoveredArea
from segmentation.engine.imaging import palettes

register = template.Library()

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_LONG_AGO = timedelta(days=14)


class Share(Protocol):
    """Attributes of a cluster that a share bar needs."""

    @property
    def index(self) -> int: ...
    @property
    def share(self) -> float: ...
    @property
    def colour(self) -> str: ...
    @property
    def separated_colour(self) -> str: ...


register.filter("thousands", formatting.thousands)
register.filter("percent", formatting.percent)
register.filter("whole_percent", formatting.whole_percent)
register.filter("filesize", formatting.filesize)
register.filter("millions", formatting.millions)
register.filter("number", formatting.number)


@register.filter
def range_of(area: CoveredArea) -> str:
    """Return the range of an area by coverage, in percent."""
    return formatting.percent_range(area.low, area.high)


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """Return an icon as inline SVG in the colour of the surrounding text. It is hidden from screen readers."""
    return SafeString(render_to_string(f"icons/{name}.svg").strip())


@register.simple_tag
def low_space() -> upkeep.DiskSpace | None:
    """Return the free disk space if it is below the warning limit, otherwise None."""
    space = upkeep.disk_space()
    return space if space is not None and space.is_low else None


@register.simple_tag
def shares(rows: Sequence[Share], *, separated: bool = False, thin: bool = True) -> SafeString:
    """Return the share bar of a result as SVG: one segment for each cluster, in its colour and as long as its share."""
    parts, start = [], 0.0
    for row in rows:
        colour = row.separated_colour if separated else row.colour
        parts.append((f"{start:.2f}", f"{row.share * 1000:.2f}", colour, row.index))
        start += row.share * 1000
    return format_html(
        '<svg class="{}" viewBox="0 0 1000 1" preserveAspectRatio="none" aria-hidden="true">{}</svg>',
        "shares thin" if thin else "shares",
        format_html_join("", '<rect x="{}" width="{}" height="1" fill="{}" data-c="{}" />', parts),
    )


@register.simple_tag
@cache
def ramp() -> SafeString:
    """Return the colour scale of the maps of uncertainty and novelty as SVG."""
    steps = list(enumerate(palettes.heat()[::11]))
    return format_html(
        '<svg viewBox="0 0 {} 1" preserveAspectRatio="none" aria-hidden="true">{}</svg>',
        len(steps),
        format_html_join("", '<rect x="{}" width="1.02" height="1" fill="{}" />', steps),
    )


@register.simple_tag
def ago(moment: datetime, *, short: bool = False) -> SafeString:
    """Return a time element with the age of `moment`, and the exact time as its title. `short` fits below a thumbnail."""
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        local.isoformat(timespec="seconds"),
        exact_time(moment),
        _since(local, timezone.now() - moment, short=short),
    )


@register.filter
def exact_time(moment: datetime) -> str:
    """Return a moment to the minute, with the time zone."""
    local = timezone.localtime(moment)
    return f"{date_format(local, 'DATETIME_FORMAT')} {date_format(local, 'T')}"


@register.simple_tag
def day_name(day: date, today: date) -> str:
    """Return a day as a heading: "Today", "Yesterday", or its date, with the year unless it is the current one."""
    if day == today:
        return _("Today")
    if day == today - _DAY:
        return _("Yesterday")
    return date_format(day, "MONTH_DAY_FORMAT" if day.year == today.year else "DATE_FORMAT")


def _since(local: datetime, age: timedelta, *, short: bool) -> str:
    if age < _MINUTE:
        return _("just now")
    if age < _HOUR:
        return _("%(n)s min ago") % {"n": age // _MINUTE}
    if age < _DAY:
        hours = age // _HOUR
        return (_("%(n)s h ago") if short else ngettext("%(n)s hour ago", "%(n)s hours ago", hours)) % {"n": hours}
    if age < _LONG_AGO:
        days = age // _DAY
        return ngettext("%(n)s day ago", "%(n)s days ago", days) % {"n": days}
    if short:
        return date_format(local, "SHORT_DATE_FORMAT")
    return _("on %(date)s") % {"date": date_format(local, "DATE_FORMAT")}
