"""Foreign bytes reach a codec in the decoder process only, wherever they come in."""

import re
from pathlib import Path

import segmentation

ROOT = Path(segmentation.__file__).parent
CODECS = re.compile(
    r"Image\.open\(|TiffFile\(|imagecodecs|pillow_heif|\bmasks\.(?:read|master)\(|"
    r"from segmentation\.engine\.imaging import [^\n]*\b(?:decode|inspect)\b|imaging\.(?:decoding|inspection)\b"
)


def test_no_module_decodes_beside_the_decoder():
    allowed = {ROOT / "engine" / "imaging", ROOT / "engine" / "decoder"}
    found = [
        str(path.relative_to(ROOT))
        for path in ROOT.rglob("*.py")
        if not allowed & set(path.parents) and CODECS.search(path.read_text())
    ]
    assert found == []
