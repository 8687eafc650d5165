"""Numbers are written in the reader's language."""

import pytest
from django.utils import translation

from segmentation import formatting

NARROW = "\N{NARROW NO-BREAK SPACE}"


@pytest.mark.parametrize(("language", "separator"), [("en-gb", "."), ("de", ","), ("fr", ",")])
def test_decimals_have_the_separator_of_the_language(language, separator):
    with translation.override(language):
        assert formatting.number(-12.87, 2) == f"−12{separator}87"
        assert formatting.percent(0.4121) == f"41{separator}2{NARROW}%"
        assert formatting.duration(2.237) == f"2{separator}24{NARROW}s"
        assert formatting.filesize(61_440_000) == f"61{separator}4{NARROW}MB"
        assert formatting.share_of_picture(0.001) == f"0{separator}1{NARROW}% of the picture"


@pytest.mark.parametrize("language", ["en-gb", "de"])
def test_what_a_form_holds_is_the_same_in_every_language(language):
    with translation.override(language):
        assert formatting.exact_number(0.5) == "0.5"
