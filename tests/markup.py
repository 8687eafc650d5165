"""Pages as tests read them."""

import re


def markup(response):
    """Return the HTML of a page with every run of white space as one space: how templates are broken into lines plays no part."""
    return re.sub(r"[ \t\r\n]+", " ", response.content.decode())
