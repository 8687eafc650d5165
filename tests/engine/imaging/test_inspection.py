import pickle
import re
from io import BytesIO

import numpy as np
import PIL.Image
import pytest

from segmentation.engine.exceptions import Refusal
from segmentation.engine.imaging import Limits, Notice, inspect
from tests.engine.imaging.pictures import LIMITS, grey, read, rgb_profile, saved, tiff


@pytest.fixture
def inspected():
    """Return a function that inspects a file, given its bytes."""

    def inspect_bytes(data, name="picture", limits=LIMITS):
        return inspect(data, name=name, limits=limits)

    return inspect_bytes


def photograph():
    """Return a JPEG that must be rotated, with metadata of camera, person and place."""
    tags = PIL.Image.Exif()
    tags[0x0112], tags[0x010F], tags[0x0110] = 6, "Maker\0\n", "Model " + "x" * 200
    tags[0x0131], tags[0x0132], tags[0x013B] = "Program\x1b[31m", "2024:05:06 07:08:09", "A. Person"
    tags.get_ifd(0x8825)[1], tags.get_ifd(0x8825)[2] = "N", (52.0, 31.0, 12.0)
    return saved(grey((30, 20, 3)), "JPEG", exif=tags, dpi=(300, 300), icc_profile=rgb_profile(swapped=True))


def test_all_that_is_kept_of_an_upload(inspected):
    data = photograph()
    found = inspected(data, "a.jpg")
    assert (found.header.format, found.header.width, found.header.height) == ("JPEG", 20, 30)
    assert (found.width, found.height) == (30, 20)
    assert [notice.code for notice in found.notices] == ["profile_converted", "orientation_applied"]
    assert (found.display.content_type, found.thumbnail.content_type) == ("image/png", "image/png")


def test_the_rendition_is_what_is_segmented(inspected):
    data = photograph()
    np.testing.assert_array_equal(np.asarray(PIL.Image.open(BytesIO(inspected(data).display.data))), read(data).pixels)


def test_metadata_are_printable_short_and_never_say_where(inspected):
    found = inspected(photograph()).metadata
    assert found == {
        "schema": 1,
        "make": "Maker",
        "model": "Model " + "x" * 94,
        "software": "Program[31m",
        "changed": "2024:05:06 07:08:09",
        "dpi": [300, 300],
    }


def test_renditions_hold_nothing_of_the_file_but_its_pixels(inspected):
    large = saved(grey((1100, 1000, 3)), "JPEG", exif=PIL.Image.open(BytesIO(photograph())).getexif())
    limits = Limits(bytes=10**7, pixels=10**7, decoded_bytes=10**8)
    for data in (photograph(), large):
        found = inspected(data, limits=limits)
        for rendition in (found.display, found.thumbnail):
            with PIL.Image.open(BytesIO(rendition.data)) as image:
                assert not image.getexif()
                assert not {"exif", "icc_profile", "xmp", "comment", "gps"} & set(image.info)
            assert b"Person" not in rendition.data
            assert b"Maker" not in rendition.data


@pytest.mark.parametrize(
    "data",
    [
        saved(np.zeros((4, 4, 4), np.uint8), "PNG"),
        tiff(np.full((4, 4), np.nan, np.float32), photometric="minisblack"),
    ],
    ids=["transparent", "no numbers"],
)
def test_a_picture_of_which_nothing_can_be_seen_is_refused(inspected, data):
    with pytest.raises(Refusal, match="None of its pixels has data") as caught:
        inspected(data)
    assert caught.value.code == "empty"


def test_no_more_is_read_than_is_allowed(inspected):
    with pytest.raises(Refusal) as caught:
        inspected(bytes(1001), limits=Limits(bytes=1000, pixels=1, decoded_bytes=1))
    assert caught.value.code == "too_large"


def test_an_inspection_crosses_process_borders(inspected):
    found = inspected(photograph())
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301 - our own bytes


# --- Notices ------------------------------------------------------------------------------------------------------------


def test_there_is_no_notice_without_a_sentence():
    with pytest.raises(KeyError):
        Notice("nothing_like_it")


@pytest.mark.parametrize("code", sorted(Notice.templates))
def test_every_notice_is_a_sentence_and_survives_json(code):
    values = dict.fromkeys(re.findall(r"%\((.*?)\)", Notice.templates[code]), 7)
    notice = Notice(code, values)
    assert notice.sentence.endswith(".")
    assert "%" not in notice.sentence
    assert Notice.from_mapping(notice.to_mapping()) == notice


def test_numbers_of_a_notice_are_short(inspected):
    values = np.linspace(0.1, 1 / 3, 16, dtype=np.float32).reshape(4, 4)
    notice = inspected(tiff(values, photometric="minisblack")).notices[0]
    assert notice.sentence == (
        "It is shown in 8 bits, its values (float32) from 0.1 (black) to 0.333333 (white); "
        "clusters are fitted to all their bits."
    )


@pytest.mark.parametrize("values", [{}, {"low": 3}])
@pytest.mark.parametrize("code", ["of_tomorrow", "depth_reduced"])
def test_a_notice_of_a_newer_release_is_a_neutral_sentence(code, values):
    notice = Notice.from_mapping({"code": code, "values": values})
    assert notice.sentence == f"A newer release has noted something about it ({code})."
    assert Notice.from_mapping(notice.to_mapping()) == notice
