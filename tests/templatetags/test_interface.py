import doctest
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from xml.etree import ElementTree

import pytest
from django.template import Context, Template, TemplateDoesNotExist
from django.utils import timezone

from segmentation import formatting

NARROW = "\N{NARROW NO-BREAK SPACE}"


@dataclass
class Row:
    index: int
    share: float
    colour: str
    separated_colour: str


def rendered(source, **context):
    return Template("{% load interface %}" + source).render(Context(context))


def parsed(source, **context):
    return ElementTree.fromstring(rendered(source, **context))  # noqa: S314 - what our own templates wrote


def test_the_examples_of_the_number_words_hold():
    assert doctest.testmod(formatting).failed == 0


@pytest.mark.parametrize(
    ("source", "value", "expected"),
    [
        ("{{ value|percent }}", 0.412, f"41.2{NARROW}%"),
        ("{{ value|percent }}", 1, f"100.0{NARROW}%"),
        ("{{ value|thousands }}", 96615, "96,615"),
        ("{{ value|thousands }}", 999, "999"),
        ("{{ value|filesize }}", 0, f"0{NARROW}kB"),
        ("{{ value|filesize }}", 1, f"1{NARROW}kB"),
        ("{{ value|filesize }}", 61_440_000, f"61.4{NARROW}MB"),
        ("{{ value|filesize }}", 20_000_000_000, f"20{NARROW}GB"),
        ("{{ value|millions }}", 50_000_000, "50"),
        ("{{ value|number:2 }}", -12.409, "\N{MINUS SIGN}12.41"),
    ],
)
def test_numbers_carry_units_and_a_true_minus(source, value, expected):
    assert rendered(source, value=value) == expected


def test_an_icon_is_inline_and_hidden_from_people_who_listen():
    icon = parsed('{% icon "trash" %}')
    assert (icon.tag, icon.get("class"), icon.get("aria-hidden")) == ("svg", "icon", "true")


def test_an_icon_that_does_not_exist_is_a_fault_of_the_template():
    with pytest.raises(TemplateDoesNotExist):
        rendered('{% icon "no-such-icon" %}')


def test_a_share_bar_has_every_cluster_in_its_colour_as_long_as_its_share_one_after_the_other():
    rows = [Row(0, 0.25, "#101010", "#0072b2"), Row(1, 0.75, "#e0e0e0", "#d55e00")]
    bar = parsed("{% shares rows %}", rows=rows)
    assert bar.get("class") == "shares thin"
    assert bar.get("viewBox") == "0 0 1000 1"
    assert [[part.get(name) for name in ("x", "width", "fill", "data-c")] for part in bar] == [
        ["0.00", "250.00", "#101010", "0"],
        ["250.00", "750.00", "#e0e0e0", "1"],
    ]
    apart = parsed("{% shares rows separated=True thin=False %}", rows=rows)
    assert apart.get("class") == "shares"
    assert [part.get("fill") for part in apart] == ["#0072b2", "#d55e00"]


@pytest.mark.parametrize(
    ("age", "long", "short"),
    [
        (timedelta(seconds=-5), "just now", "just now"),  # a clock that is a little ahead
        (timedelta(seconds=59), "just now", "just now"),
        (timedelta(minutes=12), "12 min ago", "12 min ago"),
        (timedelta(hours=1), "1 hour ago", "1 h ago"),
        (timedelta(hours=23), "23 hours ago", "23 h ago"),
        (timedelta(days=1), "1 day ago", "1 day ago"),
        (timedelta(days=13), "13 days ago", "13 days ago"),
    ],
)
def test_a_time_is_said_relative_to_now(age, long, short):
    # Half a second more than the border, so that the time between the two looks at the clock does not matter.
    moment = timezone.now() - age - timedelta(seconds=0.4)
    assert f">{long}</time>" in rendered("{% ago moment %}", moment=moment)
    assert f">{short}</time>" in rendered("{% ago moment short=True %}", moment=moment)


def test_a_time_long_ago_is_a_date_and_its_title_is_exact():
    moment = datetime(2024, 11, 3, 17, 12, 40, tzinfo=timezone.get_default_timezone())
    time = parsed("{% ago moment %}", moment=moment)
    assert time.text == "on 3 November 2024"
    assert time.get("datetime") == "2024-11-03T17:12:40+00:00"
    assert time.get("title") == "3 November 2024, 17:12 UTC"
    assert ">3 Nov 2024</time>" in rendered("{% ago moment short=True %}", moment=moment)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 11, 25), "Today"),
        (date(2026, 11, 24), "Yesterday"),
        (date(2026, 11, 3), "3 November"),
        (date(2025, 12, 31), "31 December 2025"),
    ],
)
def test_a_day_is_named_as_people_name_it(day, expected):
    assert rendered("{% day_name day today %}", day=day, today=date(2026, 11, 25)) == expected
