"""Somebody uploads a HEIC file that holds what no camera writes, to reach the parts of its codec where the known holes are.

Whether it is refused before the codec sees it is looked at in a process of its own: there the codec must not have been loaded.
"""

import contextlib
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from segmentation.engine.exceptions import Refusal
from segmentation.engine.imaging import Limits, decode, heif_boxes
from tests import mutations
from tests.attacks import boxes as attack

ROOT = Path(__file__).resolve().parents[2]
LIMITS = Limits(bytes=10**6, pixels=10**6, decoded_bytes=10**7)
PLAIN, TILED = attack.photograph(), attack.photograph(tiles=True)
STORED = ROOT / "tests" / "engine" / "imaging" / "heic"
LOOK = """
import pathlib, sys
from segmentation.engine.exceptions import Refusal
from segmentation.engine.imaging import Limits, decode
try:
    decode(pathlib.Path(sys.argv[1]).read_bytes(), name="", limits=Limits(bytes=10**6, pixels=10**6, decoded_bytes=10**7))
except Refusal as refusal:
    print(refusal.code, "pillow_heif" in sys.modules)
"""


def refused(data):
    with pytest.raises(Refusal) as refusal:
        decode(data, name="", limits=LIMITS)
    return refusal.value.code, str(refusal.value)


@pytest.mark.parametrize("data", [PLAIN, TILED, *(path.read_bytes() for path in STORED.iterdir())])
def test_a_photograph_is_taken(data):
    assert decode(data, name="", limits=LIMITS).header.format == "HEIF"


def test_the_files_of_these_attacks_are_good_apart_from_what_is_done_to_them():
    harmless = attack.with_property(attack.with_reference(attack.with_item(PLAIN, b"jpeg"), b"thmb", 77, 1), b"vndr")
    assert decode(harmless, name="", limits=LIMITS).header.format == "HEIF"


@pytest.mark.parametrize(
    "kind", [b"iden", b"iovl", b"mski", b"unci", b"av01", b"j2k1", b"tili", b"avc1", b"vvc1", b"jpeg", b"uri "]
)
@pytest.mark.parametrize("base", [PLAIN, TILED], ids=["plain", "tiled"])
def test_sneaking_in_an_item_of_a_kind_that_photographs_do_not_have(base, kind):
    for data in (attack.with_item(base, kind), attack.with_primary_of_kind(base, kind)):
        code, sentence = refused(data)
        assert code == "unsupported_format"
        assert f"({kind.decode().replace(' ', '?')})" in sentence
        assert "Save it as JPEG or PNG" in sentence


def test_a_tone_map_passes_only_beside_the_picture():
    beside = attack.with_reference(attack.with_item(PLAIN, b"tmap"), b"dimg", 77, 1)
    with pytest.raises(Refusal) as refusal:  # the codec may make of it what it likes, as long as it was not our refusal
        decode(beside, name="", limits=Limits(bytes=10**6, pixels=1, decoded_bytes=1))
    assert refusal.value.code in {"too_many_pixels", "corrupt"}
    assert refused(attack.with_primary_of_kind(PLAIN, b"tmap"))[0] == "unsupported_format"


def test_a_jpeg_passes_only_as_a_thumbnail():
    hidden = attack.with_item(PLAIN, b"jpeg")
    assert refused(hidden)[0] == "unsupported_format"
    assert decode(attack.with_reference(hidden, b"thmb", 77, 1), name="", limits=LIMITS).header.format == "HEIF"


@pytest.mark.parametrize("kind", [b"base", b"prem", b"mask", b"grid", b"exbl", b"evir"])
def test_sneaking_in_a_reference_of_a_kind_that_photographs_do_not_have(kind):
    assert refused(attack.with_reference(TILED, kind, 1, 2))[0] == "unsupported_format"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (attack.with_reference(PLAIN, b"dimg", 1, 1), "unsupported_format"),  # a picture made of itself
        (attack.with_reference(attack.with_item(TILED, b"grid"), b"dimg", 77, 1), "unsupported_format"),  # a grid of grids
        (attack.with_reference(PLAIN, b"auxl", 1, 1), "corrupt"),
        (attack.with_reference(attack.with_reference(TILED, b"auxl", 2, 3), b"thmb", 3, 2), "corrupt"),
        (attack.with_reference(PLAIN, b"thmb", 1, 99), "corrupt"),  # leads nowhere
    ],
)  # fmt: skip
def test_making_items_depend_on_each_other_in_a_circle(data, code):
    assert refused(data)[0] == code


@pytest.mark.parametrize("kind", [b"uncC", b"cmpC", b"icef", b"mskC", b"av1C", b"j2kH", b"tilC", b"vvcC"])
def test_sneaking_in_the_configuration_of_another_codec(kind):
    assert refused(attack.with_property(PLAIN, kind))[0] == "unsupported_format"
    assert refused(PLAIN + attack.box(kind, bytes(16)))[0] == "corrupt", "nor where only the codec would look"


@pytest.mark.parametrize("kind", [b"moov", b"moof"])
@pytest.mark.parametrize("brand", [b"heic", b"msf1", b"hevc"])
def test_sneaking_in_a_film(kind, brand):
    code, sentence = refused(PLAIN[:8] + brand + PLAIN[12:] + attack.box(kind, attack.box(b"trak", bytes(32))))
    assert code == "unsupported_format"
    assert "Save one picture of it as JPEG or PNG" in sentence


@pytest.mark.parametrize("encoding", [b"deflate", b"compress_zlib", b"br"])
def test_compressing_metadata_that_fills_the_memory(encoding):
    plain = attack.photograph(xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    assert decode(plain, name="", limits=LIMITS).header.format == "HEIF"
    ending = b"application/rdf+xml\0"
    bomb = attack.patched(plain, "meta/iinf/infe", lambda content: content.replace(ending, ending + encoding + b"\0"))
    assert refused(bomb)[0] == "unsupported_format"


@pytest.mark.parametrize(
    "data",
    [
        attack.patched(PLAIN, "meta", lambda content: content + attack.box(b"iinf", attack.FULL + b"\0\0")),
        attack.patched(PLAIN, "meta", lambda content: content + attack.box(b"pitm", attack.FULL + b"\0\1")),
        PLAIN + attack.box(b"meta", attack.FULL),
        PLAIN + attack.box(b"iinf", attack.FULL + b"\0\0"),
        PLAIN + attack.box(b"ftyp", b"heic\0\0\0\0"),
        attack.with_item(PLAIN, b"hvc1", number=1),
    ],
    ids=["items", "primary", "meta", "items outside", "brands", "numbers"],
)
def test_saying_things_twice_so_that_two_readers_believe_different_ones(data):
    assert refused(data)[0] == "corrupt"


@pytest.mark.parametrize("size", [0, 1, 2, 7, 2**31, 2**32 - 1])
@pytest.mark.parametrize("kind", [b"meta", b"iinf", b"infe", b"iloc", b"ipco", b"hvcC", b"pitm"])
def test_lying_about_the_size_of_a_box(kind, size):
    place = PLAIN.index(kind) - 4
    assert refused(PLAIN[:place] + struct.pack(">I", size) + PLAIN[place + 4 :])[0] in {"corrupt", "unsupported_format"}


@pytest.mark.parametrize("size", [0, 15, 2**63, 2**64 - 1])
def test_lying_about_the_size_of_a_box_with_64_bits(size):
    assert refused(PLAIN + struct.pack(">I4sQ", 1, b"free", size))[0] == "corrupt"


def test_pointing_outside_the_file():
    for by in (len(PLAIN), 2**31, -len(PLAIN) // 2 + 2**32):
        assert refused(attack.moved(PLAIN, by % (2**32 - 1000)))[0] == "corrupt"
    assert refused(PLAIN[:-1])[0] == "corrupt"


@pytest.mark.parametrize(
    "data",
    [
        PLAIN + attack.box(b"free", b"") * 2000,
        attack.patched(PLAIN, "meta/iprp/ipco", lambda content: content + attack.box(b"free", b"") * 2000),
        attack.patched(
            PLAIN, "meta/iinf", lambda _: attack.FULL + struct.pack(">H", 1001) + b"".join(attack.entry(n, b"hvc1") for n in range(1, 1002))
        ),
        attack.with_reference(attack.with_reference(PLAIN, b"cdsc", 1, *[1] * 3000), b"auxl", 1, *[1] * 3000),
    ],
    ids=["boxes", "properties", "items", "references"],
)  # fmt: skip
def test_repeating_things_without_end(data):
    assert refused(data)[0] == "corrupt"


@pytest.mark.parametrize("data", [attack.with_item(PLAIN, b"Exif", protection=1)])
def test_encrypting_an_item(data):
    assert refused(data)[0] == "corrupt"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (attack.with_item(PLAIN, b"unci"), "unsupported_format False"),
        (attack.with_reference(PLAIN, b"auxl", 1, 1), "corrupt False"),
        (PLAIN[:-20] + attack.box(b"moov", b""), "corrupt False"),
    ],
)
def test_what_is_refused_is_refused_before_the_codec_is_loaded(data, said, tmp_path):
    file = tmp_path / "attack.heic"
    file.write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", LOOK, file], check=True, cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == said, done.stderr


def test_breaking_the_inspection_itself():
    """It says no in two ways, and fails in no other."""
    for number in range(3000):
        with contextlib.suppress(Refusal, ValueError):
            heif_boxes.require_photograph(mutations.mutated("heic", number)[1])
