"""File names that climb out of a folder, or that break out of a header."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from segmentation import services
from segmentation.models import Image
from tests import factories
from tests.clients import Browser

pytestmark = pytest.mark.django_db(transaction=True)
PNG = factories.encoded(factories.pixels())
CLIMBING = [
    "../../../etc/passwd.png",
    "..\\..\\evil.png",
    "/etc/cron.d/evil.png",
    "C:\\evil.png",
    "%2e%2e%2fevil.png",
    "....//x.png",
]
BREAKING = [
    *(
        "a\r\nSet-Cookie: sessionid=evil\r\n.png",
        "a\nX-Accel-Redirect: /_gmm_media/x\n.png",
        'a"; filename="evil.html.png',
        "a\x00.png",
    ),
    *(
        "a\u2028b.png",
        "a\u202egnp.exe.png",
        "a;b=c.png",
        "\u00e9\u4e2d.png",
        "' onload='.png",
        "a%0d%0aX: y.png",
        'a\\"b.png',
    ),
]


def upload(owner, name):
    return services.upload_image(owner=owner, file=SimpleUploadedFile("upload", PNG), name=name)


@pytest.mark.parametrize("name", CLIMBING)
def test_a_name_never_decides_where_a_file_stands(owner, media, name):
    image = upload(owner, name)
    stored = {key for key in media.keys("") if not key.startswith("incoming/")}
    assert stored == {f"images/{image.pk}/{part}" for part in ("original", "display", "thumbnail")}
    assert "/" not in image.name
    assert "\\" not in image.name


@pytest.mark.parametrize("name", [*CLIMBING, *BREAKING])
def test_a_name_stays_within_the_header_of_its_download(owner, finished_run, name):
    browser, image = Browser(owner), upload(owner, name)
    Image.objects.filter(pk=finished_run.image_id).update(name=image.name)
    for address in (f"/images/{image.pk}/original", f"/runs/{finished_run.pk}/labels.png?download"):
        answer = browser.get(address)
        answer.close()
        value = answer.headers["Content-Disposition"]
        assert re.fullmatch(
            r"""attachment; filename(="(?:[^"\\\r\n]|\\["\\])*"|\*=utf-8''[A-Za-z0-9%!#$&+.^_`|~'()*/:@,;=? -]*)""",
            value,
        ), value
        assert not {"X-Accel-Redirect", "X"} & set(answer.headers)
        assert "sessionid" not in answer.cookies


@pytest.mark.parametrize("name", BREAKING)
def test_a_name_that_was_stored_with_anything_in_it_breaks_no_header(owner, image, name):
    """Rows of other releases, or of an import, may hold what an upload would not let in."""
    Image.objects.filter(pk=image.pk).update(name=name.replace("\x00", ""))
    answer = Browser(owner).get(f"/images/{image.pk}/original")
    answer.close()
    assert answer.status_code in {200, 400, 500}
    assert "sessionid" not in answer.cookies
    assert "X-Accel-Redirect" not in answer.headers
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        *(
            "/samples/../../settings/",
            "/samples/..%2f..%2fsettings/",
            "/static/../gmmsite/settings.py",
            "/static/%2e%2e/manage.py",
        ),
        *(
            "/static/..%5c..%5cdb.sqlite3",
            "/static//etc/passwd",
            "/media/",
            "/_gmm_media/images/",
            "/.secret-key",
            "/db.sqlite3",
        ),
        *("/static/.git/config", "/.env", "/images/../admin/"),
    ],
)
def test_an_address_reaches_no_file_of_the_machine(owner, address):
    answer = Browser(owner).get(address)
    answer.close()
    assert answer.status_code == 404


def test_a_reference_to_another_file_is_not_sent_by_nginx(owner, image, settings):
    settings.GMM_DOWNLOADS, settings.SENDFILE_ROOT = "nginx", settings.MEDIA_ROOT
    Image.objects.filter(pk=image.pk).update(name="../../../.secret-key")
    answer = Browser(owner).get(f"/images/{image.pk}/original", headers={"X-Accel-Redirect": "/_gmm_media/secret"})
    assert answer.headers["X-Accel-Redirect"] == f"/_gmm_media/images/{image.pk}/original"
