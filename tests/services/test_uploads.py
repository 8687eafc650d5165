import io
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from segmentation import files, services
from segmentation.engine.exceptions import Refusal, SegmentationError
from segmentation.exceptions import QuotaExceeded, RateLimited
from segmentation.models import Image
from segmentation.samples import SAMPLES

pytestmark = pytest.mark.django_db(transaction=True)


def picture(size=(40, 30), image_format="PNG", mode="RGB"):
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).convert(mode).save(buffer, image_format)
    return buffer.getvalue()


def upload(owner, data, name="picture.png"):
    return services.upload_image(owner=owner, file=SimpleUploadedFile("x", data), name=name)


def test_a_picture_is_kept_as_uploaded_beside_two_renditions(owner, media):
    data = picture()
    image = upload(owner, data)
    assert (image.width, image.height, image.format, image.bytes) == (40, 30, "PNG", len(data))
    assert files.read(files.image_key(image.pk, "original")) == data
    with PIL.Image.open(io.BytesIO(files.read(files.image_key(image.pk, "display")))) as display:
        assert display.size == (40, 30)
    assert media.keys() == [f"images/{image.pk}/{name}" for name in ("display", "original", "thumbnail")]


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"", "a.png", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", "unsupported_format"),
        (b"just text", "a.png", "unsupported_format"),
        (picture()[:500], "a.png", "corrupt"),
    ],
)
def test_a_refused_file_leaves_nothing(owner, media, data, name, code):
    with pytest.raises(Refusal) as refused:
        upload(owner, data, name)
    assert refused.value.code == code
    assert not Image.objects.exists()
    assert media.keys() == []


def test_limits_are_those_of_the_settings(owner, settings):
    settings.GMM_MAX_PIXELS = 1000
    with pytest.raises(Refusal) as refused:
        upload(owner, picture())
    assert refused.value.code == "too_many_pixels"
    settings.GMM_MAX_UPLOAD_BYTES = 100
    with pytest.raises(Refusal) as refused:
        upload(owner, picture())
    assert refused.value.code == "too_large"


def test_a_site_may_do_without_heic(owner, settings):
    heic = (Path(__file__).parents[1] / "engine" / "imaging" / "heic" / "quadrants.heic").read_bytes()
    assert upload(owner, heic, "picture.heic").format == "HEIF"
    settings.GMM_HEIC = False
    with pytest.raises(Refusal) as refused:
        upload(owner, heic, "picture.heic")
    assert refused.value.code == "unsupported_format"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd.png", "passwd.png"),
        ("C:\\pictures\\slide.png", "slide.png"),
        ("a\x00b\u202egnp.png", "abgnp.png"),
        ("  ", "picture"),
        ("ü" * 300 + ".png", "ü" * 251 + ".png"),
    ],
)
def test_names_are_for_display_only(owner, sent, kept):
    assert upload(owner, picture(), sent).name == kept


def test_the_quota_counts_bytes_and_pictures(owner, settings, media):
    data = picture()
    settings.GMM_QUOTA_BYTES = upload(owner, data).stored_bytes + 1
    with pytest.raises(QuotaExceeded) as refused:
        upload(owner, data)
    assert refused.value.code == "quota_bytes"
    settings.GMM_QUOTA_IMAGES = 1
    with pytest.raises(QuotaExceeded) as refused:
        upload(owner, data)
    assert refused.value.code == "quota_images"
    assert Image.objects.count() == 1
    assert len(media.keys()) == 3


def test_too_many_uploads_in_an_hour_are_put_off_and_refused_files_count(owner, stranger, settings):
    settings.GMM_RATE_UPLOADS = 2
    with pytest.raises(Refusal):
        upload(owner, b"just text")
    upload(owner, picture())
    with pytest.raises(RateLimited) as put_off:
        upload(owner, picture())
    assert put_off.value.code == "rate_limited"
    assert str(put_off.value).startswith("You have reached the limit of uploads within an hour (2). Try again in ")
    left = 60 - datetime.now(UTC).minute  # hours are those of the clock
    assert str(put_off.value).endswith((f" {left} min.", f" {left + 1} min."))
    assert upload(stranger, picture()).owner == stranger
    assert Image.objects.filter(owner=owner).count() == 1


def test_a_storage_that_takes_nothing_leaves_neither_row_nor_file(owner, media):
    with media.closed(), pytest.raises(SegmentationError) as refused:
        upload(owner, picture())
    assert media.keys() == []
    assert refused.value.code == "storage_unavailable"
    assert not Image.objects.exists()


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.slug)
def test_every_sample_becomes_an_image(owner, sample):
    image = services.upload_sample(owner=owner, name=sample.slug)
    assert (image.width, image.height) == (sample.width, sample.height)
    assert files.read(files.image_key(image.pk, "original")) == sample.path.read_bytes()


def test_an_unknown_sample_is_not_found(owner):
    with pytest.raises(SegmentationError) as refused:
        services.upload_sample(owner=owner, name="nothing")
    assert refused.value.code == "not_found"
