"""Small files that would keep a processor busy for long are refused, with a sentence; what they may cost at most is bounded."""

import re
import time

import numpy as np
import PIL.Image
import pytest

from segmentation.engine import decoder
from segmentation.engine.decoder.budget import processor_seconds
from segmentation.engine.decoder.connection import Connection
from segmentation.engine.decoder.memory import open_memory
from segmentation.engine.exceptions import ChildFailed, Refusal
from segmentation.engine.imaging import Limits
from tests.attacks import costly

LIMITS = Limits(bytes=50_000_000, pixels=50_000_000, decoded_bytes=400_000_000)


@pytest.mark.parametrize(
    "make",
    [
        costly.png_of_text, costly.gif_of_frames, costly.jpeg_of_scans, costly.jpeg_2000_of_tiles, costly.dicom_of_tiles,
        costly.dicom_of_scans,
    ],
)  # fmt: skip
def test_many_tiny_parts(make):
    data = make()
    assert len(data) < LIMITS.bytes
    with pytest.raises(Refusal) as refused:
        decoder.inspect(data, name="", limits=LIMITS)
    assert refused.value.code == "decode_timeout"
    assert "another program" in str(refused.value)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (costly.dicom_deflated, "unsupported_format"),
        (costly.dicom_of_runs, "corrupt"),
        (costly.dicom_of_sequences, "corrupt"),
    ],
)
def test_little_that_becomes_much_is_refused(make, code):
    data = make()
    assert len(data) < LIMITS.bytes
    with pytest.raises(Refusal) as refused:
        decoder.inspect(data, name="", limits=LIMITS)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "make",
    [
        costly.tiff_of_pages, costly.tiff_of_bands, costly.jpeg_xl_of_frames, costly.jpeg_2000_of_layers, costly.tiff_of_entities,
        costly.dicom_of_elements,
    ],
)  # fmt: skip
def test_many_pages_bands_frames_and_elements_are_within_their_budget_or_refused(make):
    codes = []
    try:
        assert decoder.inspect(make(), name="", limits=LIMITS).thumbnail.data
    except ChildFailed as failure:
        codes.append(failure.code)
    assert codes in ([], ["deadline"])  # the second on a slow machine


def test_a_picture_of_a_usual_number_of_parts_is_taken(tmp_path):
    frames = [PIL.Image.fromarray(np.full((4, 4), value, np.uint8)) for value in range(200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert decoder.inspect((tmp_path / "a.gif").read_bytes(), name="a.gif", limits=LIMITS).header.frames == 200
    PIL.Image.effect_noise((600, 600), 90).save(tmp_path / "a.jpg", progressive=True, quality=98)
    assert decoder.inspect((tmp_path / "a.jpg").read_bytes(), name="a.jpg", limits=LIMITS).header.format == "JPEG"


def compute_for_ever(_work):
    while True:
        pass


def compute_after_claiming_the_largest_picture(work):
    from segmentation.engine.imaging import Header  # noqa: PLC0415 - in the decoder process

    work.on_header(Header(format="PNG", width=1000, height=1000, bands=3, dtype="uint8", frames=1))
    compute_for_ever(work)


OPERATIONS = {"compute_for_ever": compute_for_ever, "claim": compute_after_claiming_the_largest_picture}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_computing_beyond_the_budget_ends_the_child(operation):
    """A decoder that was taken over cannot claim more than the site's largest picture would get."""
    connection = Connection(
        "from segmentation.engine.decoder.server import main; "
        "from tests.attacks.test_costly_files import OPERATIONS; main(OPERATIONS)"
    )
    request = {
        "operation": operation, "name": "", "limits": {"bytes": 100, "pixels": 100, "decoded_bytes": 300, "heic": False},
        "reading": {}, "memory": 500_000_000, "budget_factor": 1, "max_output": 1000,
    }  # fmt: skip
    began = time.process_time()
    try:
        with open_memory(b"a file") as file, pytest.raises(ChildFailed) as failed:
            connection.ask(request, file, allowance=decoder.DEFAULT_ALLOWANCE, max_output=1000)
    finally:
        connection.close()
    assert failed.value.code == "deadline"
    assert time.process_time() - began < 1  # the waiting process computes nothing


def test_people_are_told_what_to_do(tmp_path):
    from segmentation.services import uploads  # noqa: PLC0415 - the decoder process imports this module, too

    def overdue(*_args, **_kwargs):
        raise ChildFailed("deadline", "It took longer than this site allows.")

    (tmp_path / "a.png").write_bytes(b"a file")
    with pytest.raises(Refusal) as refused:
        uploads.inspected(overdue, tmp_path / "a.png", "a.png", admitted=uploads.limits())
    assert refused.value.code == "decode_timeout"
    assert re.search(r"Save it again", str(refused.value))


def test_the_budget_grows_with_bytes_and_pixels_from_three_seconds():
    assert processor_seconds(size=0) == 3
    large = {"size": 50_000_000, "pixels": 50_000_000, "decoded_bytes": 400_000_000}
    assert 3 < processor_seconds(size=50_000_000) < processor_seconds(**large) <= 30
