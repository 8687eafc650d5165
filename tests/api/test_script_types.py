"""The types of the API's responses in static/js/api.js agree with the OpenAPI description."""

import re

import pytest
from django.conf import settings

from segmentation.api.app import api

SCRIPT = (settings.BASE_DIR / "static" / "js" / "api.js").read_text()
TYPES = {
    name: [(field, kind) for kind, field in re.findall(r"@property \{(.+)\} (\w+)", body)]
    for name, body in re.findall(r"@typedef \{object\} (\w+)\n((?: \* @property .*\n)+)", SCRIPT)
}
NAMES = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def as_script_type(schema):
    if "anyOf" in schema:
        return " | ".join(as_script_type(part) for part in schema["anyOf"])
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if schema["type"] == "array":
        items = schema.get("items") or schema["prefixItems"][0]
        return f"{as_script_type(items)}[]"
    return NAMES[schema["type"]]


def test_there_are_types_to_compare():
    assert {"RunOut", "ClusterOut", "CoverageOut", "ImageOut", "PixelReportOut", "RegionsOut"} == TYPES.keys()


@pytest.mark.parametrize("name", TYPES)
def test_each_property_is_always_sent_and_has_the_type_that_the_script_says(name):
    described = api.get_openapi_schema()["components"]["schemas"][name]
    for field, kind in TYPES[name]:
        assert field in described["required"]
        assert kind == as_script_type(described["properties"][field]), field
