"""Small files that become large pictures when they are decoded."""

import io
import struct
import zlib

import numpy as np
import PIL.Image
import pytest
import tifffile

from segmentation.models import Image
from tests import factories
from tests.clients import Browser, problem_of

pytestmark = pytest.mark.django_db(transaction=True)


def png(width, height, *, depth=8, colour=0, data=b""):
    """A PNG with any claim in its header."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def tiff(**tags):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, **tags)
    return buffer.getvalue()


def upload(owner, data, name):
    return Browser(owner).send_form("/api/v1/images", {"image": factories.named(data, name)})


@pytest.mark.parametrize(
    "data",
    [
        png(60_000, 60_000, data=zlib.compress(bytes(60_001 * 100))),
        png(2**31 - 1, 2**31 - 1, depth=16, colour=6, data=zlib.compress(bytes(1000))),
        png(50_000_001, 1, data=zlib.compress(bytes(50_000_002))),
        png(0, 5, data=zlib.compress(b"")),
    ],
    ids=["3.6 gigapixels", "largest", "one pixel too many", "none"],
)
def test_a_header_beyond_the_limits_is_refused_before_anything_is_decoded(owner, data):
    assert problem_of(upload(owner, data, "bomb.png"))["code"] in {"too_many_pixels", "too_complex", "corrupt"}
    assert not Image.objects.exists()


def test_a_stream_that_goes_on_after_the_picture_is_not_unpacked_without_end(owner):
    endless = png(10, 10, data=zlib.compress(bytes(300_000_000)))
    assert len(endless) < 1_000_000
    answer = upload(owner, endless, "endless.png")
    assert answer.status_code == 201 or problem_of(answer)["code"] in {"corrupt", "too_complex"}


def test_a_compressed_chunk_of_text_is_not_unpacked_without_end(owner):
    text = b"Comment\x00\x00" + zlib.compress(bytes(300_000_000))
    body = struct.pack(">I", len(text)) + b"zTXt" + text + struct.pack(">I", zlib.crc32(b"zTXt" + text))
    whole = factories.encoded(factories.pixels())
    answer = upload(owner, whole[:33] + body + whole[33:], "text.png")
    assert answer.status_code == 201 or problem_of(answer)["code"] in {"corrupt", "too_complex"}


def test_many_bands_are_refused(owner):
    data = tiff(data=np.zeros((4, 4, 300), np.uint8), planarconfig="contig", photometric="minisblack")
    assert problem_of(upload(owner, data, "bands.tif"))["code"] == "too_many_bands"


def test_wide_values_count_as_bytes_in_memory(owner, settings):
    settings.GMM_MAX_DECODED_BYTES = 1_000_000
    data = tiff(data=np.zeros((400, 400, 3), np.float64), compression="zlib", photometric="rgb")
    assert len(data) < 100_000
    assert problem_of(upload(owner, data, "wide.tif"))["code"] in {"too_many_pixels", "too_large", "too_complex"}


def test_an_archive_is_no_picture(owner):
    import zipfile  # noqa: PLC0415 - only here

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(50_000_000))
    for name in ("bomb.zip", "bomb.png"):
        assert problem_of(upload(owner, buffer.getvalue(), name))["code"] in {"unsupported_format", "corrupt"}


def test_a_mask_is_held_to_the_same_limits(owner, image):
    file = factories.named(png(60_000, 60_000, data=zlib.compress(bytes(1000))), "mask.png")
    answer = Browser(owner).send_form(f"/api/v1/images/{image.pk}/masks", {"mask": file})
    assert problem_of(answer)["code"] in {"too_many_pixels", "invalid_request", "too_complex"}


def test_a_picture_at_the_limit_is_taken(owner, settings):
    settings.GMM_MAX_PIXELS = 48 * 36
    buffer = io.BytesIO()
    PIL.Image.fromarray(factories.pixels()).save(buffer, "PNG")
    assert upload(owner, buffer.getvalue(), "exact.png").status_code == 201
    settings.GMM_MAX_PIXELS -= 1
    assert problem_of(upload(owner, buffer.getvalue(), "exact.png"))["code"] == "too_many_pixels"
