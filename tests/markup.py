"""Pages as tests read them."""

import re
from html.parser import HTMLParser


def markup(response):
    """Return the HTML of a page with every run of white space as one space: how templates are broken into lines plays no part."""
    return re.sub(r"[ \t\r\n]+", " ", response.content.decode())


def fields_of(response, action):
    """Return what a browser would send of the form with this action: its fields that are not switched off, as filled in."""
    return fields_in(response.content.decode(), action)


def fields_in(markup, action):
    """Return what a browser would send of the form with this action in a piece of HTML."""
    reader = _Fields(action)
    reader.feed(markup)
    return reader.fields


class _Fields(HTMLParser):
    def __init__(self, action):
        super().__init__()
        self.fields = {}
        self._action, self._inside, self._select = action, False, None

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form":
            self._inside = given.get("action") == self._action
        elif not self._inside or "disabled" in given:
            return
        elif tag == "select":
            self._select = given["name"]
        elif tag == "option" and ("selected" in given or self._select not in self.fields):
            self.fields[self._select] = given["value"]
        elif tag == "input" and "name" in given and _is_sent(given):
            self.fields[given["name"]] = given.get("value", "on")

    def handle_endtag(self, tag):
        if tag == "form":
            self._inside = False


def _is_sent(attributes):
    kind = attributes.get("type")
    return kind != "file" and (kind not in {"checkbox", "radio"} or "checked" in attributes)
