"""Numbers are written in the reader's language."""

import json
import subprocess

import pytest
from django.conf import settings
from django.utils import translation

from scripts.node import NODE
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


@pytest.mark.parametrize(("language", "count", "size"), [("en-gb", "96,615", "1,234.5"), ("de", "96.615", "1.234,5")])
def test_thousands_have_the_separator_of_the_language(language, count, size):
    with translation.override(language):
        assert formatting.thousands(96615) == count
        assert formatting.number(1234.5, 1) == size
        assert formatting.filesize(1_234_500_000_000) == f"{size}{NARROW}GB"
        assert formatting.localised_number(1234.5) == size
        assert formatting.setting_value("max_iterations", 96615) == count
        assert formatting.setting_value("seed", 96615) == "96615"


@pytest.mark.parametrize("language", ["en-gb", "de"])
def test_pages_and_scripts_write_the_same(language):
    shares = [0.0, 0.0005, 0.1225, 0.412, 0.9995, 1.0]  # 12.25 lies half-way
    counts = [0, 999, 1000, 96_615, 1_234_567]
    sizes = [0, 1, 1499, 1500, 2500, 196_653, 999_999, 50_000_000, 61_450_000, 20_000_000_000, 1_234_500_000_000]
    script = f"""
        import {{ numbersIn }} from {json.dumps(str(settings.BASE_DIR / "static/js/model/text.js"))};
        const n = numbersIn({json.dumps(language)});
        const all = [{shares}.map(n.percent), {counts}.map(n.thousands), {sizes}.map(n.fileSize)];
        process.stdout.write(JSON.stringify(all));
    """
    told = subprocess.run([NODE, "--input-type=module", "-e", script], capture_output=True, check=True, text=True)
    with translation.override(language):
        assert json.loads(told.stdout) == [
            [formatting.percent(share) for share in shares],
            [formatting.thousands(count) for count in counts],
            [formatting.filesize(size) for size in sizes],
        ]


@pytest.mark.parametrize("language", ["en-gb", "de"])
def test_what_a_form_holds_is_the_same_in_every_language(language):
    with translation.override(language):
        assert formatting.exact_number(0.5) == "0.5"
